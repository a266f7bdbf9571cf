// SPDX-License-Identifier: Apache-2.0
// The low-level functions of OpenSSL are deprecated but cost a tenth of the EVP ones for records of some hundred bytes.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "dbserver/engine/sha1.h"

#include <openssl/sha.h>

namespace sluice::ovsdb {

void append_sha1(std::string& out, std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA_CTX context;
  SHA1_Init(&context);
  SHA1_Update(&context, bytes.data(), bytes.size());
  SHA1_Final(digest, &context);
  size_t at = out.size();
  out.resize(at + 2 * SHA_DIGEST_LENGTH);
  for (unsigned char b : digest) {
    out[at++] = kHex[b >> 4];
    out[at++] = kHex[b & 15];
  }
}

}  // namespace sluice::ovsdb
