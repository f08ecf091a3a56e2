# shellcheck shell=bash
# Sourced by every bash that starts while BASH_ENV names this file: the scripts of this project write
# the line of each command that they run to a file in $BASH_TRACES.
case $0 in
    bin/* | */bin/*)
        exec {BASH_XTRACEFD}>>"$BASH_TRACES/${0##*/}.$$"
        PS4='+ line $LINENO: '
        set -x
        ;;
esac
