// SPDX-License-Identifier: Apache-2.0
// A blocking OpenFlow client over tcp, ssl or a unix socket: connect, negotiate, send and receive whole messages, transactions.
// What cannot go on ends the program through fatal(), as is right for a command line tool.  One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/target.h"
#include "lib/tls.h"
#include "ofproto/openflow/codec.h"

namespace sluice::ofctl {

class Client {
 public:
  /// Connects and negotiates one of `versions`: `preferred` where both have it, else the highest that both have.  The error is what to tell the user
  /// behind the program's name.
  static std::expected<std::unique_ptr<Client>, std::string> connect(const std::string& name, const Target& target, ofp::VersionSet versions,
                                                                     TlsContext* tls, std::optional<ofp::Version> preferred = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  ofp::Version version() const { return version_; }
  const std::string& name() const { return name_; }
  uint32_t next_xid() { return xid_++; }
  int fd() const { return fd_; }

  /// A message of this connection's version with a new xid.
  ofp::Message make(ofp::MessageType type, ofp::Body body);

  void send(ByteView bytes);
  /// The next message that is no echo request (those are answered here).
  Bytes receive();
  /// Without waiting: empty if no whole message is there yet.  At the end of the stream ends the program.
  Bytes try_receive();

  /// Sends, and waits for the reply with the same xid.
  Bytes transact(ByteView request);
  /// Sends a request that is answered only if it fails, and a barrier; returns the error message, or nothing.
  Bytes transact_noreply(ByteView request);
  /// The same for many, with several on the way at once.  Stops sending at the first error, which is returned.
  Bytes transact_many(const std::vector<Bytes>& requests);

 private:
  Client(std::string name, int fd, std::unique_ptr<TlsSession> tls) : name_(std::move(name)), fd_(fd), tls_(std::move(tls)) {}
  std::expected<void, std::string> negotiate(ofp::VersionSet versions, std::optional<ofp::Version> preferred);
  /// Reads what there is into in_; false: nothing now (only if !wait).
  bool fill(bool wait);
  Bytes take_message();
  void wait_for(bool read, bool write);
  [[noreturn]] void lost(std::string_view why) const;

  std::string name_;
  int fd_;
  std::unique_ptr<TlsSession> tls_;
  ofp::Version version_ = ofp::Version::k10;
  uint32_t xid_ = 1;
  Bytes in_;
  size_t taken_ = 0;             // bytes of in_ that are consumed
};

}  // namespace sluice::ofctl
