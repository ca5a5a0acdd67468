# put_pmset KEY VALUE [KEY VALUE...]: for every power source
put_pmset() { system pmset -a "$@"; }
