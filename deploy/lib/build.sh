# Building with a CMake preset. Sourced; needs `source_dir`.
# shellcheck shell=bash

build_preset() {  # build_preset PRESET: programs come to build/PRESET/bin
  # shellcheck disable=SC2154  # set by who sources this file
  local log="$source_dir/build/$1.configure.log"
  mkdir -p "$source_dir/build"
  if ! (cd "$source_dir" && cmake --preset "$1" >"$log" 2>&1); then
    tail -n 20 "$log" >&2
    echo "cmake could not configure the build; all its messages are in $log" >&2
    return 1
  fi
  if ! cmake --build "$source_dir/build/$1" --parallel "$(nproc)"; then
    echo "The build failed; the compiler's first error is above." >&2
    return 1
  fi
}
