# The features that everything is tried with, and what else the scripts share that source this.
# shellcheck shell=bash disable=SC2034

features='vtask/conformance,vtask/mysql,vtask/postgres,vtask/testing,vtask/tls-rustls'

# Passes on what `cargo test` prints, and fails where it has run fewer tests: to none at all of a name it has no objection.
at_least() { # TESTS
  awk -v least="$1" '{ print; fflush() } /^test result:/ { ran += $4 + $6 } END { if (ran < least) { print "no test has this name"; exit 1 } }'
}
