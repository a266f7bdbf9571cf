// SPDX-License-Identifier: Apache-2.0
// The low-level functions of OpenSSL are deprecated but cost a tenth of the EVP ones for records of some hundred bytes.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "dbserver/engine/sha1.h"

#include <openssl/sha.h>

#include <array>
#include <cstring>

namespace sluice::ovsdb {

void append_sha1(std::string& out, std::string_view bytes) {
  static constexpr auto kPairs = [] {
    constexpr char kHex[] = "0123456789abcdef";
    std::array<std::array<char, 2>, 256> pairs{};
    for (size_t i = 0; i < 256; i++) pairs[i] = {kHex[i >> 4], kHex[i & 15]};
    return pairs;
  }();
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA_CTX context;
  SHA1_Init(&context);
  SHA1_Update(&context, bytes.data(), bytes.size());
  SHA1_Final(digest, &context);
  char text[2 * SHA_DIGEST_LENGTH];
  for (size_t i = 0; i < SHA_DIGEST_LENGTH; i++) std::memcpy(text + 2 * i, kPairs[digest[i]].data(), 2);
  out.append(text, sizeof text);
}

}  // namespace sluice::ovsdb
