// SPDX-License-Identifier: Apache-2.0
// OpenFlow messages as text, in the form of `ovs-ofctl`.  Output only; nothing reads this back.
#pragma once

#include <string>

#include "lib/bytes.h"
#include "ofproto/openflow/codec.h"
#include "ofproto/openflow/message.h"

namespace sluice::ofp {

struct PrintOptions {
  TextNames names;               // of ports and tables, where they are known
  int verbosity = 0;
  bool show_stats = true;        // flow entries: durations, counters
  bool has_table_ids = false;    // flow-mods of 1.0 and NXM have tables
  ByteView wire{};               // the message, if it came as bytes
};

/// "OFPT_HELLO (OF1.3) (xid=0x1):\n version bitmap: 0x01, 0x04\n"; always ends with a newline.
std::string format(const Message& m, const PrintOptions& options = {});

/// Any bytes: a message, or why they are none, with a hex dump.  More than one message: only the first is shown.
std::string format_wire(ByteView bytes, const PrintOptions& options = {}, const CodecOptions& codec = {});

/// "tcp,vlan_tci=0x0000,dl_src=...,tcp_flags=0 tcp_csum:102\n": a frame's fields.
std::string format_packet(ByteView frame, const PrintOptions& options = {}, uint32_t packet_type = 0);
/// The key of a frame that came through no port, in one line without end: "tcp,in_port=ANY,...".
std::string format_frame(ByteView frame, const PrintOptions& options = {});

/// Lines "00000000  aa bb ...-...  |..|\n" of 16 bytes, offsets from first_offset.
std::string hex_dump(ByteView bytes, size_t first_offset = 0);
/// The same without the column of characters.
std::string plain_hex_dump(ByteView bytes);

// Pieces that tools print on their own.
void format_group_mod(const GroupMod& m, Version v, std::string& out, const TextNames& names);  // "ADD group_id=1,..."
void format_group_desc(const GroupDesc& g, bool bucket_ids, std::string& out, const TextNames& names);  // "group_id=1,type=..."
void format_meter_config(const MeterConfig& m, std::string& out);  // "meter=1 kbps bands=\ntype=drop rate=1"
void format_port(const PortDesc& port, std::string& out, const TextNames& names);
std::string_view fragments_name(Fragments f);

/// Table features and, if given, statistics, as differences to the entry before.  One object for all replies of a dump.
class TableFeaturesText {
 public:
  explicit TableFeaturesText(const TextNames& names) : names_(names) {}
  void add(const TableFeatures& features, const TableStats* stats, Version v, std::string& out);
  /// Ends a run of "ditto".
  void finish(std::string& out);

 private:
  TextNames names_;
  std::optional<TableFeatures> last_;
  std::optional<TableStats> last_stats_;
  int first_ditto_ = -1, last_ditto_ = -1;
  bool any_ = false;
};

}  // namespace sluice::ofp
