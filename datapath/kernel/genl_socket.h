// SPDX-License-Identifier: Apache-2.0
// GenlSocket: a generic netlink socket to openvswitch.ko: requests with their replies, many requests at once, dumps, multicast groups.
//
// The kernel works on a request within send(), so replies are there when it returns: a transaction does not wait for anything but the work itself.
// Errors are errno values.  Threads: the owner's.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <vector>

#include "datapath/kernel/netlink_attr.h"
#include "lib/bytes.h"
#include "lib/files.h"

namespace sluice {

struct GenlCommand {
  uint16_t family = 0;
  uint8_t command = 0, version = 0;
};

/// A message of one of the families of openvswitch.ko, in the socket's memory: good until its next call.
struct GenlMessage {
  uint16_t family = 0;
  uint8_t command = 0;
  int dp_ifindex = 0;
  ByteView attrs;
};

/// Appends the headers of a request; its attributes are to follow, then end_request() with what this returned.
size_t begin_request(Bytes& out, GenlCommand command, int dp_ifindex);
void end_request(Bytes& out, size_t begun, GenlCommand command, uint16_t flags, uint32_t seq);
/// Appends a request: write() adds its attributes.
template <typename Write>
void add_request(Bytes& out, GenlCommand command, uint16_t flags, uint32_t seq, int dp_ifindex, const Write& write) {
  size_t begun = begin_request(out, command, dp_ifindex);
  AttrWriter writer(out);
  write(writer);
  end_request(out, begun, command, flags, seq);
}

/// Room for datagrams that are received at once, and the messages in them: good until it is used again.
struct GenlBatch {
  std::unique_ptr<uint8_t[]> bytes;      // made at the first use; pages are real once they are used
  std::vector<GenlMessage> messages;
};

inline constexpr unsigned kReadOfSocket = 32;   // datagrams that receive_many() takes at once

class GenlSocket {
 public:
  static std::expected<GenlSocket, int> open();
  /// On a socket of datagrams whose other end answers as a kernel would.
  static GenlSocket over(UniqueFd fd);
  /// The family's number; `group` becomes that of its multicast group, if it is not null.  ENOENT: the module is not there.
  std::expected<uint16_t, int> resolve(const char* family, uint32_t* group = nullptr);
  int join(uint32_t group);
  int set_receive_buffer(int bytes);

  int fd() const { return fd_.get(); }
  uint32_t pid() const { return pid_; }
  uint32_t next_seq() { return ++seq_; }

  using Write = std::function<void(AttrWriter&)>;
  /// The reply's attributes (in the socket's memory), empty if there is only an acknowledgment.
  std::expected<GenlMessage, int> transact(GenlCommand command, int dp_ifindex, uint16_t flags, const Write& write);

  /// `count` requests that were added with NLM_F_ACK and numbers of next_seq(), from `first_seq` on; calls for each reply and for each end (error 0: done).  Returns errno:
  /// what has not ended by then is unknown.
  using OnReply = std::function<void(uint32_t seq, const GenlMessage& reply)>;
  using OnEnd = std::function<void(uint32_t seq, int error)>;
  int transact_many(ByteView requests, uint32_t first_seq, size_t count, const OnReply& on_reply, const OnEnd& on_end);

  /// Requests without acknowledgment; errors come by take_errors().
  int send(ByteView requests);
  void take_errors(const OnEnd& on_error);

  int begin_dump(GenlCommand command, int dp_ifindex, const Write& write);
  enum class DumpStep { kMore, kEnd, kInterrupted, kError };
  /// One datagram of a dump.  kInterrupted: it ended, but things changed meanwhile: some may be missing or there twice.
  DumpStep dump_step(const std::function<void(const GenlMessage&)>& visit);
  /// All of it; begins again a few times if it is interrupted.
  int dump(GenlCommand command, int dp_ifindex, const std::function<void()>& restart, const std::function<void(const GenlMessage&)>& visit);

  /// One message that came by itself (an upcall, a notification): errno, EAGAIN if there is none, ENOBUFS if some were lost.
  std::expected<GenlMessage, int> receive();
  /// Several of them: 0 or errno as receive().
  int receive_many(GenlBatch& batch);

 private:
  std::expected<size_t, int> receive_datagram(int flags);
  UniqueFd fd_;
  uint32_t pid_ = 0, seq_ = 0;
  std::unique_ptr<uint8_t[]> buffer_;   // made at the first use
  Bytes reply_;                         // of the last transact()
  bool interrupted_ = false;
};

/// The families of openvswitch.ko that we use.
struct GenlFamilies {
  uint16_t datapath = 0, vport = 0, flow = 0, packet = 0;
  uint32_t vport_group = 0;
  static std::expected<GenlFamilies, int> resolve(GenlSocket& socket);
};

}  // namespace sluice
