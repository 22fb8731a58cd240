#!/bin/sh
# Builds the core's tests under the sanitizers and runs them, for each instruction set that this
# processor has: addresses and undefined behavior, then threads. CXX chooses the compiler.
set -eu
cd "$(dirname "$0")/../.."
CXX=${CXX:-g++}
out=build/sanitize
mkdir -p "$out"
flags="-std=gnu++17 -O1 -g -fno-omit-frame-pointer -Wall -Wextra -Wconversion -ffp-contract=off -fno-math-errno -fwrapv -pthread"

case $(uname -m) in
  x86_64)
    targets="x86-64-v3"
    if grep -q avx512vl /proc/cpuinfo 2>/dev/null; then targets="$targets x86-64-v4"; fi ;;
  *) targets="native" ;;
esac

for sanitizer in address,undefined thread; do
  # The compiler may be there without the sanitizer's runtime library.
  if ! echo 'int main() { return 0; }' | $CXX -fsanitize=$sanitizer -x c++ - -o "$out/probe" 2>/dev/null ||
     ! "$out/probe"; then
    echo "$CXX has no runtime for -fsanitize=$sanitizer here: NOT CHECKED"
    missing=1
    continue
  fi
  for target in $targets; do
    for test in test_core test_math; do
      binary="$out/$test-$target-$sanitizer"
      rm -f "$binary"
      # shellcheck disable=SC2086
      $CXX $flags -march=$target -fsanitize=$sanitizer -fno-sanitize-recover=all \
        "cpp/tests/$test.cpp" -o "$binary" &
    done
    wait
    for run in "test_core" "test_math --quick"; do
      echo "== ${run} for $target under $sanitizer"
      # shellcheck disable=SC2086
      set -- $run
      "$out/$1-$target-$sanitizer" ${2:-} > "$out/log" 2>&1 || { cat "$out/log"; exit 1; }
      tail -n 1 "$out/log"
    done
  done
done
exit "${missing:-0}"
