// SPDX-License-Identifier: Apache-2.0
// Reading and writing records.
#include "dbserver/engine/records.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "lib/json.h"

namespace sluice::ovsdb {
namespace {

constexpr size_t kMaxHeader = 128;
constexpr size_t kMostAhead = 64;           // records
constexpr uint64_t kMostBytes = 256 << 10;  // of theirs

}  // namespace

std::expected<std::optional<RawRecord>, JournalDamage> RecordReader::next() {
  if (at_ == bytes_.size()) return std::nullopt;
  if (taken_ == ahead_.size()) look_ahead();
  if (ahead_.empty()) return std::unexpected(why_none());
  const Ahead& a = ahead_[taken_];
  if (sums_[taken_] != a.sum)
    return std::unexpected(damage("syntax error", fmt::format("{} bytes starting at offset {} have SHA-1 hash {} but should have hash {}", a.record.data.size(),
                                                              a.record.end - a.record.data.size(), std::string_view(sums_[taken_]), a.sum)));
  taken_++;
  at_ = a.record.end;
  return a.record;
}

/// The records from here on, as far as their headers are good, and their sums.  The first time one, then twice as many each time.
void RecordReader::look_ahead() {
  ahead_.clear();
  texts_.clear();
  taken_ = 0;
  uint64_t at = at_;
  while (ahead_.size() < depth_ && at - at_ < kMostBytes) {
    auto h = read_header(at);
    if (!h || !is_whole(*h)) break;
    ahead_.push_back({{at, h->data_at + h->length, bytes_.substr(h->data_at, h->length)}, h->sum});
    texts_.push_back(ahead_.back().record.data);
    at = ahead_.back().record.end;
  }
  sums_.resize(texts_.size());
  sha1(texts_, sums_.data());
  depth_ = std::min(depth_ * 2, kMostAhead);
}

std::optional<RecordReader::Header> RecordReader::read_header(uint64_t at) const {
  std::string_view rest = bytes_.substr(at);
  size_t newline = rest.substr(0, kMaxHeader).find('\n');
  if (newline == rest.npos || !rest.starts_with(kRecordMagic)) return std::nullopt;
  std::string_view line = rest.substr(kRecordMagic.size(), newline - kRecordMagic.size());
  Header h{at + newline + 1, 0, {}};
  auto [end, ec] = std::from_chars(line.data(), line.data() + line.size(), h.length);
  h.sum = line.substr(static_cast<size_t>(end - line.data()));
  if (ec != std::errc() || h.sum.size() != kSha1Length + 1 || h.sum[0] != ' ') return std::nullopt;
  h.sum.remove_prefix(1);
  return h;
}

/// What keeps the next record from being one.
JournalDamage RecordReader::why_none() const {
  if (auto h = read_header(at_)) return damage("I/O error", fmt::format("error reading {} bytes starting at offset {}", h->length, h->data_at), "End of file");
  std::string_view line = bytes_.substr(at_, kMaxHeader);
  line = line.substr(0, std::min<size_t>(line.find('\n'), 60));
  std::string shown;
  append_json_string(shown, is_valid_utf8(line) ? line : std::string_view());
  return damage("syntax error", fmt::format("parse error at offset {} in header line {}", at_, shown));
}

JournalDamage RecordReader::damage(std::string_view tag, std::string what, std::string io_error) const {
  return {at_, {std::string(tag), fmt::format("{}: {}", name_, what), {}, std::move(io_error)}};
}

namespace {

void append_header(std::string& out, size_t size, std::string_view sum) {
  out += kRecordMagic;
  append_json_integer(out, static_cast<int64_t>(size));
  out += ' ';
  out += sum;
  out += '\n';
}

}  // namespace

void append_record_header(std::string& out, std::string_view data) { append_header(out, data.size(), sha1(data)); }

void append_record(std::string& out, std::string_view data) {
  append_record_header(out, data);
  out += data;
}

void RecordWriter::append(std::string& out, std::string_view data) {
  append_header(out, data.size(), Sha1Text{});
  open_.push_back({out.size() - 1 - kSha1Length, out.size(), data.size()});
  out += data;
}

void RecordWriter::finish(std::string& out) {
  texts_.clear();
  for (const Open& r : open_) texts_.push_back(std::string_view(out).substr(r.data_at, r.size));
  sums_.resize(texts_.size());
  sha1(texts_, sums_.data());
  for (size_t i = 0; i < open_.size(); i++) std::copy(sums_[i].begin(), sums_[i].end(), out.begin() + static_cast<ptrdiff_t>(open_[i].sum_at));
  open_.clear();
}

}  // namespace sluice::ovsdb
