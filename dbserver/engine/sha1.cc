// SPDX-License-Identifier: Apache-2.0
// One text: OpenSSL.  Many: eight in step (sha1_lanes.h); a lane whose text has ended takes the next one.  When too few are left to fill the lanes,
// OpenSSL goes on from where they are.  OpenSSL's low-level functions are deprecated but cost a tenth of the EVP ones for texts of some hundred bytes.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "dbserver/engine/sha1.h"

#include <openssl/sha.h>

#include <bit>
#include <cstring>

#include "dbserver/engine/sha1_lanes.h"
#include "lib/byte_buffer.h"
#include "lib/hex.h"

namespace sluice::ovsdb {
namespace {

Sha1Text in_hex(const uint8_t* digest) {
  constexpr size_t kAtOnce = sizeof(__m128i);
  Sha1Text text;
  const HexDigits front = hex_digits(_mm_loadu_si128(reinterpret_cast<const __m128i*>(digest)));
  int rest;
  std::memcpy(&rest, digest + kAtOnce, sizeof rest);
  static_assert(kAtOnce + sizeof rest == SHA_DIGEST_LENGTH);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(text.data()), front.first);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(text.data() + kAtOnce), front.second);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(text.data() + 2 * kAtOnce), hex_digits(_mm_cvtsi32_si128(rest)).first);
  return text;
}

class Lanes {
 public:
  Lanes(std::span<const std::string_view> texts, Sha1Text* results) : texts_(texts), results_(results) {}

  void run() {
    for (size_t i = 0; i < kSha1Lanes; i++) take(i);
    constexpr size_t kWorthIt = 3;  // lanes: with fewer OpenSSL is as fast
    while (busy_ >= kWorthIt) step();
    for (size_t i = 0; i < kSha1Lanes; i++)
      if (lanes_[i].blocks) finish_alone(i);
  }

 private:
  // A text's whole blocks are read where they are; its end, with the padding, is put together in `end`.
  struct Lane {
    size_t text = 0, blocks = 0;  // blocks: to do here; 0: idle
    bool at_end = false;
    std::array<uint8_t, 2 * kSha1Block> end;
  };

  void take(size_t i) {
    if (next_ == texts_.size()) return;
    Lane& lane = lanes_[i];
    lane.text = next_++;
    lane.at_end = false;
    lane.blocks = texts_[lane.text].size() / kSha1Block;
    data_[i] = reinterpret_cast<const uint8_t*>(texts_[lane.text].data());
    words_.start(i);
    busy_++;
    if (!lane.blocks) pad(i);
  }

  void pad(size_t i) {
    Lane& lane = lanes_[i];
    std::string_view text = texts_[lane.text];
    size_t rest = text.size() % kSha1Block;
    uint64_t bits = std::byteswap(uint64_t{text.size()} * 8);
    lane.at_end = true;
    lane.blocks = rest + 1 + sizeof bits <= kSha1Block ? 1 : 2;
    lane.end.fill(0);
    copy_short(reinterpret_cast<char*>(lane.end.data()), text.data() + text.size() - rest, rest);
    lane.end[rest] = 0x80;
    std::memcpy(lane.end.data() + lane.blocks * kSha1Block - sizeof bits, &bits, sizeof bits);
    data_[i] = lane.end.data();
  }

  /// As many blocks as all have.  Idle lanes do what a busy one does, for nothing.
  void step() {
    size_t blocks = SIZE_MAX, any = 0;
    for (size_t i = 0; i < kSha1Lanes; i++)
      if (lanes_[i].blocks && lanes_[i].blocks < blocks) blocks = lanes_[i].blocks, any = i;
    for (size_t i = 0; i < kSha1Lanes; i++)
      if (!lanes_[i].blocks) data_[i] = data_[any];
    sha1_blocks(words_, data_, blocks);
    for (size_t i = 0; i < kSha1Lanes; i++) {
      Lane& lane = lanes_[i];
      if (!lane.blocks) continue;
      data_[i] += blocks * kSha1Block;
      if (lane.blocks -= blocks) continue;
      if (!lane.at_end) {
        pad(i);
        continue;
      }
      finish(i);
      busy_--;
      take(i);
    }
  }

  void finish_alone(size_t i) {
    Lane& lane = lanes_[i];
    SHA_CTX context;
    SHA1_Init(&context);
    SHA_LONG* const h[] = {&context.h0, &context.h1, &context.h2, &context.h3, &context.h4};
    for (size_t k = 0; k < 5; k++) *h[k] = words_.h[k][i];
    if (!lane.at_end) {
      SHA1_Update(&context, data_[i], lane.blocks * kSha1Block);
      pad(i);
    }
    for (; lane.blocks; lane.blocks--, data_[i] += kSha1Block) SHA1_Transform(&context, data_[i]);
    for (size_t k = 0; k < 5; k++) words_.h[k][i] = *h[k];
    finish(i);
  }

  void finish(size_t i) {
    uint32_t digest[5];
    for (size_t k = 0; k < 5; k++) digest[k] = std::byteswap(words_.h[k][i]);
    results_[lanes_[i].text] = in_hex(reinterpret_cast<const uint8_t*>(digest));
  }

  std::span<const std::string_view> texts_;
  Sha1Text* results_;
  size_t next_ = 0, busy_ = 0;
  Sha1Words words_;
  std::array<Lane, kSha1Lanes> lanes_;
  const uint8_t* data_[kSha1Lanes];
};

}  // namespace

Sha1Text sha1(std::string_view bytes) {
  uint8_t digest[SHA_DIGEST_LENGTH];
  SHA_CTX context;
  SHA1_Init(&context);
  SHA1_Update(&context, bytes.data(), bytes.size());
  SHA1_Final(digest, &context);
  return in_hex(digest);
}

void sha1(std::span<const std::string_view> texts, Sha1Text* results) {
  if (has_sha1_lanes()) return Lanes(texts, results).run();
  for (std::string_view text : texts) *results++ = sha1(text);
}

}  // namespace sluice::ovsdb
