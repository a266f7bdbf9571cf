// SPDX-License-Identifier: Apache-2.0
// What the two halves of TLS (tls.cc, tls_context.cc) share.
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>

#include "lib/tls.h"

namespace sluice {

template <auto Free>
struct OpensslFree {
  template <typename T>
  void operator()(T* p) const { Free(p); }
};
using SslPtr = std::unique_ptr<SSL, OpensslFree<SSL_free>>;
using SslCtxPtr = std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>>;

/// The text of OpenSSL's oldest queued error; empties the queue.
std::string take_openssl_error();

struct TlsSession::Impl {
  IoResult outcome(int result);
  std::shared_ptr<BIO_METHOD> method;  // declared before ssl, because it must outlive the BIO in there
  SslPtr ssl;
  std::function<std::string(SSL*)> bootstrap;  // stores the CA and says why the connection must end
};

}  // namespace sluice
