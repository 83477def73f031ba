# The fuzz targets, one a parser of outside input: NAME is NAME_fuzz.cc with corpus/NAME and regressions/NAME. Two builds
# read this: `fuzz` makes programs of them, and `debug` tests that run these.
set(fuzz_targets json)
# Folders of tests/recorded that are inputs too.
