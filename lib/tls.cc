// SPDX-License-Identifier: Apache-2.0
// Sessions; the context is in tls_context.cc.
#include "lib/tls.h"

#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "lib/tls_impl.h"

namespace sluice {

std::string take_openssl_error() {
  unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (!code) return {};
  const char* reason = ERR_reason_error_string(code);
  return reason ? reason : fmt::format("OpenSSL error {:x}", code);
}

TlsSession::TlsSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsSession::~TlsSession() = default;

/// Turns the outcome of an SSL_* call into words.
IoResult TlsSession::Impl::outcome(int result) {
  int saved_errno = errno;
  switch (SSL_get_error(ssl.get(), result)) {
    case SSL_ERROR_WANT_READ: return {.want_read = true};
    case SSL_ERROR_WANT_WRITE: return {.want_write = true};
    case SSL_ERROR_ZERO_RETURN: return {.closed = true};
    case SSL_ERROR_SYSCALL:
      ERR_clear_error();
      // A peer that goes without a close_notify: the messages inside have their own ends, so nothing is cut off unnoticed.
      if (saved_errno == 0) return {.closed = true};
      return {.error = std::strerror(saved_errno)};
    default: break;
  }
  long verified = SSL_get_verify_result(ssl.get());
  std::string text = take_openssl_error();
  if (verified != X509_V_OK) text += fmt::format(" ({})", X509_verify_cert_error_string(verified));
  return {.error = fmt::format("TLS: {}", text.empty() ? "protocol error" : text)};
}

IoResult TlsSession::handshake() {
  ERR_clear_error();
  errno = 0;
  int result = SSL_do_handshake(impl_->ssl.get());
  if (result == 1) {
    if (impl_->bootstrap) return {.error = impl_->bootstrap(impl_->ssl.get())};
    return {};
  }
  IoResult r = impl_->outcome(result);
  if (r.closed) return {.error = "TLS: connection closed during handshake"};
  return r;
}

IoResult TlsSession::read(std::span<uint8_t> to) {
  ERR_clear_error();
  errno = 0;
  int n = SSL_read(impl_->ssl.get(), to.data(), static_cast<int>(std::min<size_t>(to.size(), INT_MAX)));
  if (n > 0) return {.bytes = static_cast<size_t>(n)};
  return impl_->outcome(n);
}

IoResult TlsSession::write(ByteView from) {
  ERR_clear_error();
  errno = 0;
  int n = SSL_write(impl_->ssl.get(), from.data(), static_cast<int>(std::min<size_t>(from.size(), INT_MAX)));
  if (n > 0) return {.bytes = static_cast<size_t>(n)};
  return impl_->outcome(n);
}

void TlsSession::shutdown() {
  ERR_clear_error();
  if (SSL_is_init_finished(impl_->ssl.get())) SSL_shutdown(impl_->ssl.get());
  ERR_clear_error();
}

bool TlsSession::has_buffered() const { return SSL_has_pending(impl_->ssl.get()); }

std::string TlsSession::peer_common_name() const {
  X509* certificate = SSL_get0_peer_certificate(impl_->ssl.get());
  if (!certificate) return {};
  X509_NAME* subject = X509_get_subject_name(certificate);
  int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  unsigned char* utf8 = nullptr;
  int length = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (length < 0) return {};
  std::string name(reinterpret_cast<char*>(utf8), static_cast<size_t>(length));
  OPENSSL_free(utf8);
  return name.find('\0') == name.npos ? name : std::string();  // a NUL inside is an attempt to look like somebody else
}

std::string TlsSession::version() const { return SSL_get_version(impl_->ssl.get()); }

}  // namespace sluice
