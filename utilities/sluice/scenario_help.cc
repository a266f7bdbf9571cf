// SPDX-License-Identifier: Apache-2.0
// What the lines of a scenario mean, for users.
#include "utilities/sluice/scenario.h"

namespace sluice::cli {

std::string_view scenario_help() {
  return R"(A scenario is a text file.  It runs in a fresh directory with a database and a switch of its
own, whose ports are test devices and whose time stands still unless the scenario lets it pass.
What a line does is said by how it begins:

  # TEXT            a comment; the first one is the title
  $ COMMAND         a shell command with the tools by Open vSwitch's names (ovs-vsctl,
                    ovs-ofctl, ovs-appctl, ...); goes on after a "\" at the end
    < TEXT          below a command: a line of its standard input
    | TEXT          a line of its output (blanks at the end don't count); with any such line,
                    all output must be as said
    |~ REGEX        a line that matches all of a regular expression (ECMAScript)
    | ...           any number of lines
    |-              no output at all
    ! TEXT          the same for its errors (stderr): "! TEXT", "!~ REGEX", "! ...", "!-"
    ? N             its exit status, if not 0
  % COMMAND         like "$", but tried again for some seconds until all is as said: for what
                    a process in the background does
  PORT < PACKET     a packet comes in at a port
  PORT > PACKET     a packet must come out of a port; "PORT,PORT > PACKET": of each
  +301s             time passes: ms, s, m, h, d, also +1h30m
(The marks <, |, ! and ? stand at the beginning of their lines.)

PACKET is one of
  FIELDS            an OpenFlow match ("tcp,eth_src=00:00:00:00:00:01,nw_dst=10.0.0.2") or a
                    datapath flow ("eth(...),eth_type(0x0800),...");
                    in: made up with right lengths and checksums, TTL 64 unless given;
                    out: the packet must match it, its other fields don't matter
  FIELDS len N      the same, the frame N bytes long (in, and out with "exactly")
  exactly FIELDS    out: byte for byte what FIELDS in would be
  HEX               a frame's bytes, with blanks between them as you like
  pcap FILE         all frames of a capture file; in: at their times.  FILE is relative to the
                    scenario, or made by one of its commands
  same              out: all that came in since the last expectations, byte for byte
  none              out: nothing
  N * PACKET        N times the same

Whatever comes out of any port must be expected by the lines that follow its cause, or it is an
error; only a bridge's own port is left alone as long as the scenario says nothing of it.
In commands, $SCENARIO_DIR is the scenario's own directory.  Processes left in the background
are ended with the scenario.

Example:

  # The switch learns where a MAC address is, and forgets it after five minutes.
  $ ovs-vsctl add-br br0 -- add-port br0 p1 -- add-port br0 p2 -- add-port br0 p3
  p1 < icmp,eth_src=00:00:00:00:00:01,eth_dst=00:00:00:00:00:02,nw_src=10.0.0.1,nw_dst=10.0.0.2
  p2,p3 > same
  $ ovs-appctl fdb/show br0
  |  port  VLAN  MAC                Age
  |~  +\d     0  00:00:00:00:00:01    0
  +301s
  $ ovs-appctl fdb/show br0
  |  port  VLAN  MAC                Age
)";
}

}  // namespace sluice::cli
