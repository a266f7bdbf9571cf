// SPDX-License-Identifier: Apache-2.0
// Commands of ovsdb-client that stay (monitor, lock): they may be detached, go on printing then, and can be talked to by ovs-appctl.
#pragma once

#include "lib/daemon.h"
#include "lib/unixctl.h"
#include "utilities/dbclient/commands.h"

namespace sluice::dbclient {

class Background {
 public:
  /// Detaches if that is wanted, and offers "exit" and what the caller adds to control().
  enum class Keep : uint8_t { output, output_and_errors };  // of a detached one
  Background(Session& s, Keep keep);

  UnixctlServer& control() { return control_; }
  /// The command has begun its work: a detached one lets the terminal go.
  void ready() { daemon_.ready(); }
  /// The next message that is not a reply to something that control commands sent.  Ends the program if the connection is gone, or after "exit".
  JsonRpcClient::Message receive();
  /// The end of the program: because of something of the server, or as it is wanted.
  [[noreturn]] void fail(std::string_view why);
  [[noreturn]] void finish();
  /// While true, nothing is received.
  void block(bool on) { s_.client().pause(on); }

 private:
  Session& s_;
  Daemon daemon_;
  UnixctlServer control_;
  bool exiting_ = false;
};

}  // namespace sluice::dbclient
