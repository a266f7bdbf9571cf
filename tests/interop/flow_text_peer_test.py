#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Random flows, from one seed, through our ofctl and the peer's: both read each text alike, print it alike (`parse-flow`), send the same
bytes for it in each version (`add-flow` to a stand-in for a switch), and print those bytes alike (`ofp-print`).

    flow_text_peer_test.py [SEED [FLOWS]]

Where we differ on purpose is said in BY_DESIGN, each with its reason: the peer loses there what it was told."""

import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

BUILD = os.environ.get("SLUICE_BUILD", "build/debug")
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 20260101
FLOWS = int(sys.argv[2]) if len(sys.argv) > 2 else 100
HELLO, BARRIER = 0, {1: 18}


# --- the generator ---

def number(r, bits):
    """Small, large, or a bit pattern; decimal or hexadecimal."""
    n = r.choice([0, 1, (1 << bits) - 1, r.getrandbits(bits), r.getrandbits(bits), 1 << r.randrange(bits)])
    return n


def show(r, n):
    return r.choice([str(n), hex(n)])


def masked(bits):
    def make(r):
        if r.random() < 0.5:
            return show(r, number(r, bits)) if bits <= 64 else hex(number(r, bits))  # the peer reads no longer decimals
        mask = number(r, bits) or 1
        return f"{hex(number(r, bits) & mask)}/{hex(mask)}"
    return make


def exact(limit):
    return lambda r: show(r, r.choice([0, 1, limit, r.randint(0, limit)]))


def mac(r):
    return ":".join(f"{r.getrandbits(8):02x}" for _ in range(6))


def ip4(r):
    return ".".join(str(r.getrandbits(8)) for _ in range(4))


def ip4_masked(r):
    n = r.getrandbits(32)
    length = r.choice([32, 32, 24, 16, 8, 1, 31])
    n &= ((1 << length) - 1) << (32 - length)
    text = ".".join(str(n >> s & 255) for s in (24, 16, 8, 0))
    return text if length == 32 else f"{text}/{length}"


def ip6(r):
    groups = [r.choice([0, 0, 1, r.getrandbits(16)]) for _ in range(8)]
    return ":".join(f"{g:x}" for g in groups)


def ip6_masked(r):
    if r.random() < 0.5:
        return ip6(r)
    length = r.choice([16, 32, 64, 112, 127])
    n = r.getrandbits(128) >> (128 - length) << (128 - length)
    return ":".join(f"{n >> s & 0xffff:x}" for s in range(112, -1, -16)) + f"/{length}"


def flags(*names):
    def make(r):
        some = r.sample(names, r.randint(1, min(3, len(names))))
        return "".join(r.choice("+-") + n for n in some)
    return make


def ct_state(r):
    return "+trk" + r.choice(["", "+new", "+est", "-rel", "+est-rpl", "+inv", "+new+snat"])


def option(r):
    """A Geneve option; a mask of all bits is told apart from none here, and not by the peer: the option may be longer."""
    return r.choice([hex(r.getrandbits(32)), hex(r.getrandbits(60)), "0", "0x10/0x3c", f"{hex(r.getrandbits(20))}/0x1fffff"])


L2 = {"in_port": lambda r: str(r.randint(1, 65279)), "dl_src": mac, "dl_dst": mac, "metadata": masked(64), "reg0": masked(32), "reg7": masked(32), "reg15": masked(32),
      "xreg2": masked(64), "xxreg1": masked(128), "tun_id": masked(64), "tun_src": ip4_masked, "tun_dst": ip4_masked, "tun_ipv6_src": ip6_masked,
      "tun_flags": lambda r: r.choice(["+oam", "-oam", "oam"]), "tun_gbp_id": masked(16), "tun_gbp_flags": lambda r: hex(r.randrange(256)), "pkt_mark": masked(32), "ct_state": ct_state, "ct_zone": exact(65535),
      "ct_mark": masked(32), "ct_label": masked(128), "conj_id": exact(2**32 - 1), "dl_vlan": exact(4094), "dl_vlan_pcp": exact(7),
      "vlan_tci": lambda r: hex(r.getrandbits(12) | 0x1000), "actset_output": lambda r: str(r.randint(1, 65279)), "recirc_id": exact(1000), "dp_hash": masked(32),
      "tun_metadata3": option, "tun_metadata60": option}
IP = {"nw_tos": lambda r: str(r.randrange(64) * 4), "ip_dscp": exact(63), "nw_ecn": exact(3), "nw_ttl": exact(255)}
IPV4 = {"nw_src": ip4_masked, "nw_dst": ip4_masked, "ip_frag": lambda r: r.choice(["no", "yes", "first", "later", "not_later"]), "nw_proto": exact(255), **IP}
IPV6 = {"ipv6_src": ip6_masked, "ipv6_dst": ip6_masked, "ipv6_label": masked(20), **IP}
PORTS = {"tp_src": masked(16), "tp_dst": masked(16)}
ARP = {"arp_op": exact(255), "arp_spa": ip4_masked, "arp_tpa": ip4_masked, "arp_sha": mac, "arp_tha": mac}
MPLS = {"mpls_label": exact(0xfffff), "mpls_tc": exact(7), "mpls_bos": exact(1)}
KINDS = {
    "": {}, "ip": IPV4, "ipv6": IPV6, "arp": ARP, "rarp": ARP, "mpls": MPLS, "mplsm": MPLS,
    "tcp": {**IPV4, **PORTS, "tcp_flags": lambda r: r.choice(["+syn", "+syn-ack", "0x12", "0x2/0x3", "-rst+fin"])}, "udp": {**IPV4, **PORTS},
    "sctp": {**IPV4, "sctp_src": masked(16), "sctp_dst": masked(16)}, "tcp6": {**IPV6, "tcp_src": masked(16), "tcp_dst": masked(16)}, "udp6": {**IPV6, "udp_dst": masked(16)},
    "sctp6": {**IPV6, "sctp_src": masked(16)}, "icmp": {**IPV4, "icmp_type": exact(255), "icmp_code": exact(255)},
    "icmp6": {**IPV6, "icmpv6_type": exact(132), "icmpv6_code": exact(255)},
    "icmp6,icmp_type=135,icmp_code=0": {**IPV6, "nd_target": ip6_masked, "nd_sll": mac},
    "icmp6,icmp_type=136,icmp_code=0": {**IPV6, "nd_target": ip6, "nd_tll": mac},
    "dl_type=0x894f": {"nsh_spi": exact(0xffffff), "nsh_si": exact(255), "nsh_mdtype": lambda r: r.choice("12"), "nsh_ttl": exact(63), "nsh_np": exact(255), "nsh_flags": lambda r: str(r.randrange(4))},
    "dl_type=0x894f,nsh_mdtype=1": {"nsh_c1": masked(32), "nsh_c4": masked(32), "nsh_spi": exact(0xffffff)},
    "ct_state=+trk-inv,ip": {"ct_nw_src": ip4_masked, "ct_nw_dst": ip4_masked, "ct_nw_proto": lambda r: str(r.randint(1, 255))}, "ct_state=+est,ipv6": {"ct_ipv6_src": ip6_masked, "ct_ipv6_dst": ip6_masked},
    "ct_state=+trk-inv,tcp,ct_nw_proto=6": {"ct_tp_src": masked(16), "ct_tp_dst": masked(16)},
    "packet_type=(1,0x800)": {"nw_src": ip4_masked, "nw_ttl": exact(255)}, "packet_type=(1,0x86dd)": {"ipv6_src": ip6_masked}, "dl_type=0x88a8": {}, "dl_type=0x1234": {},
}
WITHOUT_PROTO = {k: {f: g for f, g in v.items() if k == "ip" or f != "nw_proto"} for k, v in KINDS.items()}


def make_match(r):
    kind = r.choice(list(KINDS))
    pool = {**L2, **WITHOUT_PROTO[kind]}
    own = list(WITHOUT_PROTO[kind])
    names = set(r.sample(list(L2), r.choice([0, 0, 1, 1, 2]))) | set(r.sample(own, min(len(own), r.choice([0, 1, 1, 2, 3]))))
    for pair in (("dl_vlan", "vlan_tci"), ("vlan_tci", "dl_vlan_pcp"), ("nw_tos", "ip_dscp"), ("xxreg1", "reg7"), ("ct_state", "")):
        if set(pair) <= names:
            names.discard(pair[0])
    if names & {"ct_zone", "ct_mark", "ct_label"} or "ct_state" in kind:
        names.discard("ct_state")
    if kind.startswith("packet_type=(1"):  # not of Ethernet
        names -= {"dl_src", "dl_dst", "dl_vlan", "dl_vlan_pcp", "vlan_tci"}
    parts = [f"{n}={pool[n](r)}" for n in sorted(names)]
    r.shuffle(parts)
    return ([kind] if kind else []) + parts


def subfield(r):
    reg = r.randrange(16)
    low = r.randrange(32)
    return r.choice([f"NXM_NX_REG{reg}[]", f"NXM_NX_REG{reg}[{low}..{r.randint(low, 31)}]", f"reg{reg}[{low}]", f"NXM_NX_REG{reg}[0..15]"])


ACTIONS = [
    lambda r: r.choice(["drop_", "NORMAL", "FLOOD", "ALL", "LOCAL", "IN_PORT", "CONTROLLER", "TABLE"]), lambda r: f"output:{r.randint(1, 65279)}", lambda r: str(r.randint(1, 99)),
    lambda r: f"output({r.choice(['port=1', 'port=LOCAL'])},max_len={r.randint(14, 2000)})", lambda r: f"output:NXM_NX_REG{r.randrange(16)}[0..15]",
    lambda r: f"controller:{r.randrange(65536)}", lambda r: f"controller(reason={r.choice(['no_match', 'action', 'invalid_ttl'])},max_len={r.randrange(1, 65536)},id={r.randrange(65536)})",
    lambda r: f"controller(userdata={'.'.join('%02x' % r.getrandbits(8) for _ in range(r.randint(1, 9)))}{r.choice(['', ',pause'])})",
    lambda r: f"enqueue:{r.randint(1, 99)}:{r.randrange(2**32)}", lambda r: f"set_queue:{r.randrange(2**32)}", lambda r: "pop_queue", lambda r: f"mod_vlan_vid:{r.randrange(4096)}",
    lambda r: f"mod_vlan_pcp:{r.randrange(8)}", lambda r: "strip_vlan", lambda r: f"push_vlan:{r.choice(['0x8100', '0x88a8'])}", lambda r: f"mod_dl_src:{mac(r)}",
    lambda r: f"mod_dl_dst:{mac(r)}", lambda r: f"set_tunnel:{hex(r.getrandbits(r.choice([8, 32, 64])))}", lambda r: f"resubmit({r.choice(['', str(r.randint(1, 99))])},{r.randrange(255)})",
    lambda r: f"resubmit:{r.randint(1, 99)}", lambda r: f"load:{hex(r.getrandbits(8))}->NXM_NX_REG{r.randrange(16)}[{r.choice(['', '0..7', '8..31'])}]",
    lambda r: f"move:NXM_NX_REG{r.randrange(16)}[0..11]->NXM_NX_REG{r.randrange(16)}[{r.choice(['0..11', '20..31'])}]", lambda r: f"push:{subfield(r)}", lambda r: f"pop:{subfield(r)}",
    lambda r: f"set_field:{hex(r.getrandbits(32))}->reg{r.randrange(16)}", lambda r: f"set_field:{hex(r.getrandbits(64))}->metadata",
    lambda r: f"set_field:{mac(r)}->eth_{r.choice(['src', 'dst'])}", lambda r: f"set_field:0xf0/0xf0->reg{r.randrange(16)}", lambda r: f"set_field:{hex(r.getrandbits(128))}->xxreg{r.randrange(4)}",
    lambda r: f"set_field:{ip4(r)}->tun_dst", lambda r: f"set_field:{ip6(r)}->tun_ipv6_dst", lambda r: f"set_field:{hex(r.getrandbits(32))}->pkt_mark",
    lambda r: f"note:{'.'.join('%02x' % r.getrandbits(8) for _ in range(r.randint(1, 20)))}", lambda r: "exit",
    lambda r: f"multipath({r.choice(['eth_src', 'symmetric_l4', 'symmetric_l3l4', 'symmetric_l3l4+udp', 'nw_src'])},{r.randrange(65536)},{r.choice(['modulo_n', 'hash_threshold', 'hrw', 'iter_hash'])},{r.randint(1, 60)},{r.randrange(9)},NXM_NX_REG0[0..7])",
    lambda r: f"bundle({r.choice(['eth_src', 'symmetric_l4', 'nw_dst'])},{r.randrange(65536)},{r.choice(['active_backup', 'hrw'])},ofport,members:{','.join(str(r.randint(1, 99)) for _ in range(r.randint(1, 6)))})",
    lambda r: f"bundle_load(symmetric_l4,{r.randrange(65536)},hrw,ofport,NXM_NX_REG1[0..15],members:3,7)", lambda r: f"fin_timeout(idle_timeout={r.randrange(99)},hard_timeout={r.randrange(99)})",
    lambda r: f"group:{r.randrange(0xffffff00)}", lambda r: f"sample(probability={r.randint(1, 65535)},collector_set_id={r.getrandbits(32)},obs_domain_id={r.getrandbits(32)},obs_point_id={r.getrandbits(32)}{r.choice(['', ',sampling_port=3', ',sampling_port=3,ingress', ',egress'])})",
    lambda r: f"learn(table={r.randrange(254)},idle_timeout={r.randrange(99)},priority={r.randrange(65536)},{r.choice(['', 'cookie=0x5,', 'send_flow_rem,', 'delete_learned,', 'fin_idle_timeout=3,'])}NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],{r.choice(['output:NXM_OF_IN_PORT[]', 'load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15]', 'load:0x7->NXM_NX_REG5[0..15]'])})",
    lambda r: f"ct({r.choice(['', 'commit,', 'commit,force,'])}{r.choice(['', 'zone=5,', 'zone=NXM_NX_REG0[0..15],'])}table={r.randrange(255)})",
    lambda r: f"ct(commit{r.choice(['', ',alg=ftp', ',alg=tftp'])},nat({r.choice(['src', 'dst'])}={ip4(r)}{r.choice(['', ':80', ':80-90'])}{r.choice(['', ',random', ',hash', ',persistent'])}))".replace(",random)", ")"),
    lambda r: f"ct(commit,exec(set_field:{hex(r.getrandbits(32))}->ct_mark{r.choice(['', f',set_field:{hex(r.getrandbits(128))}->ct_label'])}))", lambda r: "ct(nat)", lambda r: "ct_clear",
    lambda r: f"clone({r.choice(['1,2', 'push_vlan:0x8100,3', 'set_field:5->reg1,resubmit(,3)'])})", lambda r: f"check_pkt_larger({r.randint(1, 9000)})->NXM_NX_REG0[{r.randrange(32)}]",
    lambda r: f"delete_field:tun_metadata{r.randrange(64)}", lambda r: f"push_mpls:{r.choice(['0x8847', '0x8848'])}", lambda r: f"push_mpls:0x8847,set_mpls_label:{r.randrange(1 << 20)},set_mpls_tc:{r.randrange(8)}",
    lambda r: f"push_mpls:0x8847,{r.choice(['dec_mpls_ttl', 'set_mpls_ttl:7', 'pop_mpls:0x800', 'set_field:5->mpls_label'])}", lambda r: r.choice(["encap(ethernet)", "encap(nsh(md_type=1))", "encap(nsh(md_type=2,tlv(0x1000,10,0x12345678)))", "decap()", "encap(mpls)"]),
    lambda r: f"set_field:{hex(r.getrandbits(32))}->tun_metadata3", lambda r: f"set_field:{r.randrange(1 << 16)}->tun_gbp_id", lambda r: f"load:{r.randrange(16)}->OXM_OF_PKT_REG{r.randrange(8)}[{r.randrange(60)}..63]",
    lambda r: f"move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]", lambda r: f"ct(commit,nat({r.choice(['src', 'dst'])}={ip6(r)}{r.choice(['', '-ffff:ffff::1'])}))", lambda r: f"resubmit({r.choice(['', '3'])},{r.randrange(255)},ct)",
    lambda r: f"learn(table={r.randrange(254)},limit={r.randrange(100)},{r.choice(['', 'result_dst=NXM_NX_REG3[5],'])}in_port={r.randrange(1, 99)},eth_type=0x800,nw_dst={ip4(r)},load:{hex(r.randrange(1 << 16))}->NXM_NX_REG1[3..20])",
    lambda r: f"controller({r.choice(['meter_id=3', 'max_len=50,meter_id=3,userdata=00'])})", lambda r: f"clone(set_field:{ip4(r)}->tun_src,output:{r.randint(1, 99)},clone(resubmit(,{r.randrange(99)})))",
]
LAST = [lambda r: f"conjunction({r.getrandbits(32)},{r.randint(1, 2)}/{r.randint(2, 64)})"]
TAILS = [lambda r: f"goto_table:{r.randint(200, 254)}", lambda r: f"write_metadata:{hex(r.getrandbits(64))}", lambda r: f"meter:{r.randint(1, 99)}_", lambda r: f"write_actions({r.choice(['output:3', 'set_field:5->reg2,group:7', 'strip_vlan,output:1'])})",
         lambda r: "clear_actions"]
IP_ACTIONS = [lambda r: "dec_ttl", lambda r: f"dec_ttl({r.getrandbits(16)},{r.getrandbits(16)})", lambda r: f"mod_nw_tos:{r.randrange(64) * 4}", lambda r: f"mod_nw_ecn:{r.randrange(4)}",
              lambda r: f"mod_nw_ttl:{r.randrange(256)}", lambda r: f"set_field:{r.randrange(64)}->ip_dscp"]


def make_actions(r, match):
    if r.random() < 0.05:
        return "drop"
    if r.random() < 0.05:
        return ",".join(LAST[0](r) for _ in range(r.randint(1, 3)))
    pool = ACTIONS + (IP_ACTIONS * 2 if match and match[0] in ("ip", "tcp", "udp", "icmp", "ipv6", "tcp6") else [])
    if match and match[0] in ("tcp", "udp", "ip"):
        pool = pool + [lambda r: f"mod_nw_{r.choice(['src', 'dst'])}:{ip4(r)}"] * 3
    if match and match[0] in ("tcp", "udp"):
        pool = pool + [lambda r: f"mod_tp_{r.choice(['src', 'dst'])}:{r.getrandbits(16)}"] * 3
    if match and match[0].startswith("packet_type"):
        pool = ACTIONS[:11]  # those that do nothing to Ethernet: the peer sends them, and calls them wrong then
    some = [r.choice(pool)(r) for _ in range(r.choice([1, 1, 2, 3]))]
    if r.random() < 0.15:
        some.append(r.choice(TAILS)(r))
    return ",".join(a for a in some if not a.endswith("_")) or "drop"


def make_flow(r):
    head = [f"{k}={v}" for k, v in (("priority", r.randrange(65536)), ("table", r.randrange(200)), ("cookie", hex(r.getrandbits(64))), ("idle_timeout", r.randrange(65536)),
                                    ("hard_timeout", r.randrange(65536))) if r.random() < 0.25]
    head += [f for f in ("send_flow_rem", "check_overlap", "reset_counts") if r.random() < 0.04]
    match = make_match(r)
    return ",".join(head + match + ["actions=" + make_actions(r, match)])


# --- where we differ on purpose ---

LATER = re.compile(r"(ip|nw)_frag=later")
L4_FIELD = re.compile(r"(tp|tcp|udp|sctp|icmp|icmpv6)_(src|dst|type|code|flags)=|nd_(target|sll|tll)=")

# Reason, which flows (version 1..6).  In those, "usable protocols" may name fewer formats than the peer's, and a flow that a format can't say
# may be refused.
BY_DESIGN = [
    ("1.0 has no clear_actions and write_actions: the peer sends the flow without them", lambda flow, version: re.search("clear_actions|write_actions", flow)),
    ("1.0 has no push_vlan, in clone neither", lambda flow, version: "clone(push_vlan" in flow),
    ("the match of 1.1 has no nw_ecn: the peer sends the flow without it", lambda flow, version: "nw_ecn=" in flow),
    ("later fragments have no transport header: the peer sends what it then calls OFPBMC_BAD_PREREQ, or what never matches", lambda flow, version: LATER.search(flow) and L4_FIELD.search(flow)),
]


def designed(flow, version, mine, theirs):
    """Whether a difference of parse-flow is one of those."""
    if not any(applies(flow, version) for _, applies in BY_DESIGN):
        return False
    without_usable = [re.sub("^usable protocols:.*\n", "", out[1], flags=re.M) for out in (mine, theirs)]
    return mine[0] == 1 or without_usable[0] == without_usable[1]


# --- the two programs ---

def normal(text):
    text = re.sub(r"^(\S*/)?(ovs|sluice)-ofctl: ", "ofctl: ", text, flags=re.M)
    text = re.sub(r"^\S+Z\|\d+\|\S+\|\w+\|", "", text, flags=re.M)
    return re.sub(r"^OFPAT_\w+ is deprecated in .*\n", "", text, flags=re.M)  # an advice to programmers of controllers


def run(program, *words):
    done = subprocess.run([program, *words], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, normal(done.stderr)


class StandIn(threading.Thread):
    """Greets, answers barriers, keeps all else that comes."""

    def __init__(self, path, version):
        super().__init__(daemon=True)
        self.version, self.messages = version, []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)

    def run(self):
        peer, _ = self.listener.accept()
        peer.sendall(bytes([self.version, HELLO, 0, 8, 0, 0, 0, 1]))
        stream = peer.makefile("rb")
        while header := stream.read(8):
            body = stream.read(int.from_bytes(header[2:4], "big") - 8)
            if header[1] == BARRIER.get(self.version, 20):
                peer.sendall(bytes([self.version, header[1] + 1]) + header[2:])
            elif header[1] != HELLO:
                self.messages.append((header[:4] + bytes(4) + body).hex())


def sent(program, version, flow, directory):
    path = f"{directory}/{random.getrandbits(64):x}"
    switch = StandIn(path, version)
    switch.start()
    status, out, err = run(program, "-t", "5", f"-OOpenFlow1{version - 1}", "--no-names", "add-flow", "unix:" + path, flow)
    switch.listener.close()
    return status, out, err.replace(path, "SOCKET"), switch.messages


def main():
    ours, peers = os.path.join(BUILD, "bin/sluice-ofctl"), shutil.which("ovs-ofctl")
    if not peers:
        print("skipped: no ovs-ofctl")
        return 77
    r = random.Random(SEED)
    bad = []

    def differ(what, flow, mine, theirs):
        bad.append(flow)
        print(f"--- {what}: {flow}\n  ours:  {mine}\n  peer:  {theirs}", flush=True)

    with tempfile.TemporaryDirectory() as directory:
        for i in range(FLOWS):
            flow = make_flow(r)
            version = i % 6 + 1
            words = [f"-OOpenFlow1{version - 1}", "parse-flow", flow]
            mine, theirs = run(ours, *words), run(peers, *words)
            if mine != theirs and not (mine[0] and theirs[0]) and not designed(flow, version, mine, theirs):  # refusals may be worded otherwise
                differ(f"parse-flow 1.{version - 1}", flow, mine, theirs)
                continue
            if mine[0]:
                continue
            mine, theirs = sent(ours, version, flow, directory), sent(peers, version, flow, directory)
            if mine[3] != theirs[3] or mine[0] != theirs[0]:
                differ(f"add-flow 1.{version - 1}", flow, mine, theirs)
                continue
            for message in mine[3]:
                a, b = run(ours, "ofp-print", message), run(peers, "ofp-print", message)
                if a[:2] != b[:2]:
                    differ(f"ofp-print 1.{version - 1}", flow, a, b)
    print(f"{FLOWS} flows of seed {SEED}: {len(bad)} differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
