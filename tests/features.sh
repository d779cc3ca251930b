# The features that everything is tried with; the scripts source this.
# shellcheck shell=bash disable=SC2034

features='vtask/conformance,vtask/mysql,vtask/postgres,vtask/testing,vtask/tls-rustls'
