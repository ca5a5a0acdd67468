# Written by magnusctl from the inventory; a change made here is undone by the next run.
# For people who build. Units get neither this nor CUDA_HOME: wheels bring their own CUDA.
PATH=$PATH:/usr/local/cuda-12.6/bin
