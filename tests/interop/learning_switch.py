# SPDX-License-Identifier: Apache-2.0
"""An os-ken application: a learning switch for OpenFlow 1.0 and 1.3 that installs an exact flow for each pair of hosts.
Counts its packet-ins in the file named by LEARNING_SWITCH_COUNT."""

import os

from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import CONFIG_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.lib.packet import ethernet, packet
from os_ken.ofproto import ofproto_v1_0, ofproto_v1_3


class LearningSwitch(app_manager.OSKenApp):
    OFP_VERSIONS = {"10": [ofproto_v1_0.OFP_VERSION], "13": [ofproto_v1_3.OFP_VERSION]}.get(
        os.environ.get("LEARNING_SWITCH_VERSION", ""), [ofproto_v1_0.OFP_VERSION, ofproto_v1_3.OFP_VERSION])

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.ports = {}  # (datapath id, MAC) -> port
        self.packet_ins = 0

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def features(self, ev):
        dp = ev.msg.datapath
        if dp.ofproto.OFP_VERSION == ofproto_v1_3.OFP_VERSION:  # 1.3 drops on a miss unless told otherwise
            to_controller = [dp.ofproto_parser.OFPActionOutput(dp.ofproto.OFPP_CONTROLLER, dp.ofproto.OFPCML_NO_BUFFER)]
            self.add_flow(dp, dp.ofproto_parser.OFPMatch(), to_controller, priority=0)

    def add_flow(self, dp, match, actions, priority):
        p, o = dp.ofproto_parser, dp.ofproto
        if o.OFP_VERSION == ofproto_v1_0.OFP_VERSION:
            dp.send_msg(p.OFPFlowMod(datapath=dp, match=match, cookie=7, command=o.OFPFC_ADD, priority=priority, actions=actions))
        else:
            inst = [p.OFPInstructionActions(o.OFPIT_APPLY_ACTIONS, actions)]
            dp.send_msg(p.OFPFlowMod(datapath=dp, match=match, cookie=7, command=o.OFPFC_ADD, priority=priority, instructions=inst))

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def packet_in(self, ev):
        msg, dp = ev.msg, ev.msg.datapath
        p, o = dp.ofproto_parser, dp.ofproto
        self.packet_ins += 1
        with open(os.environ["LEARNING_SWITCH_COUNT"], "w") as f:
            f.write(str(self.packet_ins))
        v10 = o.OFP_VERSION == ofproto_v1_0.OFP_VERSION
        in_port = msg.in_port if v10 else msg.match["in_port"]
        eth = packet.Packet(msg.data).get_protocol(ethernet.ethernet)
        self.ports[dp.id, eth.src] = in_port
        out = self.ports.get((dp.id, eth.dst), o.OFPP_FLOOD)
        actions = [p.OFPActionOutput(out)]
        if out != o.OFPP_FLOOD:
            match = (p.OFPMatch(in_port=in_port, dl_src=eth.src, dl_dst=eth.dst) if v10
                     else p.OFPMatch(in_port=in_port, eth_src=eth.src, eth_dst=eth.dst))
            self.add_flow(dp, match, actions, priority=10)
        dp.send_msg(p.OFPPacketOut(datapath=dp, buffer_id=o.OFP_NO_BUFFER, in_port=in_port, actions=actions, data=msg.data))
