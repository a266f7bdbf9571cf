// SPDX-License-Identifier: Apache-2.0
// TlsContext: an SSL_CTX from files, made anew when they change; bootstrapping of the CA certificate.
#include <fcntl.h>
#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "lib/log.h"
#include "lib/tls.h"
#include "lib/tls_impl.h"

namespace sluice {
namespace {

Log log_("stream_ssl");
constexpr Duration kStatInterval = seconds(1);

/// What tells one version of a file from another.
struct FileStamp {
  int64_t mtime_ns = -1;
  int64_t size = -1;
  uint64_t inode = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

FileStamp stamp_of(const std::string& path) {
  struct stat s{};
  if (path.empty() || ::stat(path.c_str(), &s) < 0) return {};
  return {s.st_mtim.tv_sec * 1'000'000'000 + s.st_mtim.tv_nsec, s.st_size, s.st_ino};
}

// A BIO over a socket like OpenSSL's own, but one that never raises SIGPIPE.

int bio_read(BIO* bio, char* to, int n) {
  BIO_clear_retry_flags(bio);
  ssize_t got = ::recv(static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio))), to, static_cast<size_t>(n), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

int bio_write(BIO* bio, const char* from, int n) {
  BIO_clear_retry_flags(bio);
  ssize_t sent = ::send(static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio))), from, static_cast<size_t>(n), MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

long bio_ctrl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP; }

std::shared_ptr<BIO_METHOD> make_bio_method() {
  std::shared_ptr<BIO_METHOD> m(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without SIGPIPE"), BIO_meth_free);
  BIO_meth_set_read(m.get(), bio_read);
  BIO_meth_set_write(m.get(), bio_write);
  BIO_meth_set_ctrl(m.get(), bio_ctrl);
  return m;
}

struct Version {
  std::string_view name;
  int number;
};
constexpr std::array<Version, 2> kVersions{{{"TLSv1.2", TLS1_2_VERSION}, {"TLSv1.3", TLS1_3_VERSION}}};

/// "TLSv1.2,TLSv1.3" or "TLSv1.2+": the lowest and the highest of what is named.  Older versions may be named too, but are not used.
std::optional<std::string> set_versions(SSL_CTX* ctx, std::string_view list) {
  int low = 0, high = 0;
  for (size_t at = 0; at < list.size();) {
    size_t end = std::min(list.find_first_of(", ", at), list.size());
    std::string_view word = list.substr(at, end - at);
    at = end + 1;
    if (word.empty()) continue;
    bool and_later = word.ends_with('+');
    if (and_later) word.remove_suffix(1);
    bool old = word == "TLSv1" || word == "TLSv1.0" || word == "TLSv1.1";
    int number = 0;
    for (const Version& v : kVersions) {
      if (word == v.name) number = v.number;
    }
    if (!number && !old) return fmt::format("{}: SSL protocol not recognized", word);
    if (old && and_later) number = TLS1_2_VERSION;
    if (!number) continue;
    low = low ? std::min(low, number) : number;
    high = std::max(high, and_later ? TLS1_3_VERSION : number);
  }
  if (!list.empty() && !low) return fmt::format("{}: no protocol that is still allowed (TLSv1.2 or later)", list);
  SSL_CTX_set_min_proto_version(ctx, low ? low : TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(ctx, high);  // 0: the highest there is
  return std::nullopt;
}

std::string file_error(std::string_view what, const std::string& path) {
  std::string text = ::access(path.c_str(), R_OK) < 0 ? std::strerror(errno) : take_openssl_error();
  ERR_clear_error();
  return fmt::format("{} {}: {}", what, path, text);
}

/// The CA file may hold revocation lists, too: then there must be one of whoever issued a peer's certificate, and it must not be on it.
void obey_revocations(SSL_CTX* ctx) {
  X509_STORE* store = SSL_CTX_get_cert_store(ctx);
  STACK_OF(X509_OBJECT)* objects = X509_STORE_get0_objects(store);
  for (int i = 0; i < sk_X509_OBJECT_num(objects); i++)
    if (X509_OBJECT_get_type(sk_X509_OBJECT_value(objects, i)) == X509_LU_CRL) X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
}

/// Certificates of a PEM file that are sent along after our own.
std::optional<std::string> add_extra_chain(SSL_CTX* ctx, const std::string& path) {
  BIO* in = BIO_new_file(path.c_str(), "r");
  if (!in) return file_error("peer CA certificate", path);
  while (X509* certificate = PEM_read_bio_X509(in, nullptr, nullptr, nullptr)) {
    if (!SSL_CTX_add_extra_chain_cert(ctx, certificate)) X509_free(certificate);
  }
  BIO_free(in);
  ERR_clear_error();  // the end of the file is an error to the reader
  return std::nullopt;
}

/// Keeps the root that an unverified server sent.  Always gives the reason for ending the connection.
std::string store_bootstrap_ca(SSL* ssl, const std::string& path) {
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
  if (!chain || sk_X509_num(chain) == 0) return "cannot bootstrap CA certificate: no certificate presented by peer";
  X509* root = sk_X509_value(chain, sk_X509_num(chain) - 1);
  if (X509_NAME_cmp(X509_get_subject_name(root), X509_get_issuer_name(root)) != 0) {
    return "cannot bootstrap CA certificate: peer did not send a self-signed certificate";
  }
  int fd = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444);
  if (fd < 0) return fmt::format("cannot bootstrap CA certificate: creating {} failed: {}", path, std::strerror(errno));
  FILE* out = ::fdopen(fd, "w");
  bool written = out && PEM_write_X509(out, root);
  written = out && std::fclose(out) == 0 && written;
  if (written) return std::string(kBootstrapped);
  ::unlink(path.c_str());
  return fmt::format("cannot bootstrap CA certificate: writing {} failed", path);
}

}  // namespace

struct TlsContext::Impl {
  std::optional<std::string> refresh(Time now);
  std::optional<std::string> build();
  std::array<FileStamp, 4> stamps() const {
    return {stamp_of(config.private_key), stamp_of(config.certificate), stamp_of(config.ca_cert), stamp_of(config.peer_ca_cert)};
  }
  std::expected<std::unique_ptr<TlsSession>, std::string> begin(int fd, Time now, bool client);

  TlsConfig config;
  std::shared_ptr<BIO_METHOD> method = make_bio_method();
  SslCtxPtr ctx;
  bool bootstrapping = false;
  std::optional<std::string> problem;  // of the last build
  std::array<FileStamp, 4> built_from;
  std::optional<Time> looked;
};

std::optional<std::string> TlsContext::Impl::refresh(Time now) {
  if (looked && now - *looked < kStatInterval && now >= *looked && !bootstrapping) return problem;
  looked = now;
  auto current = stamps();
  if (ctx && !problem && current == built_from) return std::nullopt;
  built_from = current;
  problem = build();
  if (problem) ctx.reset();
  return problem;
}

std::optional<std::string> TlsContext::Impl::build() {
  if (config.private_key.empty()) return "Private key must be configured to use SSL";
  if (config.certificate.empty()) return "Certificate must be configured to use SSL";
  if (config.ca_cert.empty()) return "CA certificate must be configured to use SSL";
  ERR_clear_error();
  ctx.reset(SSL_CTX_new(TLS_method()));
  if (!ctx) return take_openssl_error();
  SSL_CTX* c = ctx.get();
  SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  if (auto wrong = set_versions(c, config.protocols)) return wrong;
  if (!config.ciphers.empty() && !SSL_CTX_set_cipher_list(c, config.ciphers.c_str())) {
    return fmt::format("{}: {}", config.ciphers, take_openssl_error());
  }
  if (!config.ciphersuites.empty() && !SSL_CTX_set_ciphersuites(c, config.ciphersuites.c_str())) {
    return fmt::format("{}: {}", config.ciphersuites, take_openssl_error());
  }
  if (SSL_CTX_use_certificate_chain_file(c, config.certificate.c_str()) != 1) return file_error("certificate", config.certificate);
  if (SSL_CTX_use_PrivateKey_file(c, config.private_key.c_str(), SSL_FILETYPE_PEM) != 1) return file_error("private key", config.private_key);
  if (SSL_CTX_check_private_key(c) != 1) return fmt::format("private key {} does not match certificate {}", config.private_key, config.certificate);
  if (!config.peer_ca_cert.empty()) {
    if (auto wrong = add_extra_chain(c, config.peer_ca_cert)) return wrong;
  }
  bootstrapping = config.bootstrap_ca_cert && ::access(config.ca_cert.c_str(), F_OK) < 0 && errno == ENOENT;
  if (bootstrapping || config.ca_cert == "none") {
    SSL_CTX_set_verify(c, SSL_VERIFY_NONE, nullptr);
    if (!bootstrapping) log_.warn("Peer certificate validation disabled (this is a security risk)");
    return std::nullopt;
  }
  if (SSL_CTX_load_verify_file(c, config.ca_cert.c_str()) != 1) return file_error("CA certificate", config.ca_cert);
  if (auto* names = SSL_load_client_CA_file(config.ca_cert.c_str())) SSL_CTX_set_client_CA_list(c, names);
  obey_revocations(c);
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return std::nullopt;
}

std::expected<std::unique_ptr<TlsSession>, std::string> TlsContext::Impl::begin(int fd, Time now, bool client) {
  if (auto wrong = refresh(now)) return std::unexpected(*wrong);
  if (bootstrapping && !client) return std::unexpected(std::string("CA certificate is not there yet"));
  auto s = std::make_unique<TlsSession::Impl>();
  s->method = method;
  s->ssl.reset(SSL_new(ctx.get()));
  BIO* bio = s->ssl ? BIO_new(method.get()) : nullptr;
  if (!bio) return std::unexpected(take_openssl_error());
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(s->ssl.get(), bio, bio);
  if (client) {
    SSL_set_connect_state(s->ssl.get());
    if (!config.server_name.empty()) {
      SSL_set_tlsext_host_name(s->ssl.get(), config.server_name.c_str());
      if (!bootstrapping) SSL_set1_host(s->ssl.get(), config.server_name.c_str());
    }
    if (bootstrapping) s->bootstrap = [path = config.ca_cert](SSL* ssl) { return store_bootstrap_ca(ssl, path); };
  } else {
    SSL_set_accept_state(s->ssl.get());
  }
  return std::unique_ptr<TlsSession>(new TlsSession(std::move(s)));
}

TlsContext::TlsContext(TlsConfig config) : impl_(std::make_unique<Impl>()) { impl_->config = std::move(config); }
TlsContext::~TlsContext() = default;
const TlsConfig& TlsContext::config() const { return impl_->config; }

void TlsContext::set_config(TlsConfig config) {
  if (config == impl_->config) return;
  impl_->config = std::move(config);
  impl_->ctx.reset();
  impl_->looked.reset();
}

std::optional<std::string> TlsContext::check(Time now) { return impl_->refresh(now); }
std::expected<std::unique_ptr<TlsSession>, std::string> TlsContext::connect(int fd, Time now) { return impl_->begin(fd, now, true); }
std::expected<std::unique_ptr<TlsSession>, std::string> TlsContext::accept(int fd, Time now) { return impl_->begin(fd, now, false); }

}  // namespace sluice
