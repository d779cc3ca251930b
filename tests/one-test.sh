# What tests/storm, tests/recovery and tests/soak share, which source it with their arguments: each runs its tests on one of
# its databases, and shows the head of its text where none is named.

database=${1:-}
case " ${databases:-sqlite postgres mysql} " in
  *" $database "*) ;;
  *)
    sed -n '/^set/q; 2,$s/^# \{0,1\}//p' "$0"
    case "$database" in -h | --help) exit 0 ;; *) exit 2 ;; esac
    ;;
esac
cd "$(dirname "$0")/.."
. tests/features.sh

# Starts servers, beside which the script begins anew, unless there are some.
need_servers() { # ARG…: those of the script
  if [ -z "${VTASK_TEST_MYSQL:-}" ] || [ -z "${VTASK_TEST_POSTGRES:-}" ]; then
    exec tests/servers "tests/${0##*/}" "$@"
  fi
}

run_test() { # TEST: without the database at the end of its name
  run_exactly "$1::$database"
}

run_exactly() { # TEST…: one after the other
  export RUST_BACKTRACE=0
  cargo test ${profile:+--profile "$profile"} --workspace --features "$features" --test it -- \
    --include-ignored --nocapture --test-threads=1 --exact "$@" | at_least $#
}
