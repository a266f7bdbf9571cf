// SPDX-License-Identifier: Apache-2.0
// TLS over non-blocking sockets: a context built from files, and sessions on it.  TLS 1.2 at least; the peer's certificate is always verified,
// by clients and by servers, as the peer project does it: by CA, not by name, unless server_name is given.
//
// TlsContext reads its files when they changed (stat at most once a second, at the start of a connection); running sessions keep what they began with.
// Bootstrap: with bootstrap_ca_cert, while the CA file does not exist, the first TLS *client* connection is made without verification, stores the
// self-signed root that the peer sent, and is closed with kBootstrapped; the next one verifies with it.
// Threads: one thread for a context and its sessions.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "lib/bytes.h"
#include "lib/time.h"

struct ssl_st;

namespace sluice {

struct TlsConfig {
  std::string private_key, certificate, ca_cert;  // PEM files; ca_cert "none": the peer is not verified
  bool bootstrap_ca_cert = false;
  std::string peer_ca_cert;  // extra certificates that a server sends along, so that clients can bootstrap
  std::string protocols;     // "TLSv1.2,TLSv1.3", also with '-' ranges "TLSv1.2+"; empty: all allowed
  std::string ciphers;       // OpenSSL cipher list for TLS 1.2
  std::string ciphersuites;  // for TLS 1.3
  std::string server_name;   // SNI, and if set the certificate must be for this name
  friend bool operator==(const TlsConfig&, const TlsConfig&) = default;
};

inline constexpr std::string_view kBootstrapped = "bootstrapped CA certificate, reconnecting";

/// Outcome of a read, a write or a handshake step.
struct IoResult {
  size_t bytes = 0;
  bool want_read = false, want_write = false;  // nothing more until the socket is so
  bool closed = false;                         // end of file, in order
  std::string error;                           // not empty: the connection is broken
};

class TlsSession {
 public:
  ~TlsSession();
  /// Until neither want_read nor want_write: then the session is up.
  IoResult handshake();
  IoResult read(std::span<uint8_t> to);
  /// After a want_*, the same bytes (or more) must be offered again.
  IoResult write(ByteView from);
  void shutdown();  // sends close_notify if it can be sent at once
  /// Bytes that are decrypted but unread: the socket will not tell of them.
  bool has_buffered() const;
  std::string peer_common_name() const;  // "" without a certificate
  std::string version() const;           // "TLSv1.3"

 private:
  friend class TlsContext;
  struct Impl;
  explicit TlsSession(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class TlsContext {
 public:
  explicit TlsContext(TlsConfig config);
  ~TlsContext();
  const TlsConfig& config() const;
  /// Takes effect for sessions that begin after it.
  void set_config(TlsConfig config);
  /// Why sessions cannot begin ("Private key must be configured to use SSL", "/k.pem: No such file or directory"), or nothing.
  std::optional<std::string> check(Time now);
  std::expected<std::unique_ptr<TlsSession>, std::string> connect(int fd, Time now);
  std::expected<std::unique_ptr<TlsSession>, std::string> accept(int fd, Time now);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
