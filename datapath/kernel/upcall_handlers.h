// SPDX-License-Identifier: Apache-2.0
// Handlers read the sockets that the kernel hands packets up to, in batches, find out what each packet is, and queue them by port for the control thread, which
// alone translates.  Where the kernel can, it sends the packets of each CPU to a handler's socket; else each port has a socket.
//
// With one CPU a thread would only take turns with the control thread: then there is none.  The control thread reads by poll(); or, if each port has its own socket, which keeps
// ports apart as well as a queue does, by read_each(), as much as it can handle at once.
// Threads: the control thread; each handler has one of its own, which sees its sockets and the queues.
#pragma once

#include <atomic>
#include <expected>
#include <functional>
#include <memory>
#include <vector>

#include "datapath/kernel/genl_socket.h"
#include "datapath/kernel/upcall_queues.h"

namespace sluice {

inline constexpr unsigned kMostHandlers = 8;
inline constexpr size_t kReadAtOnce = 2048;        // packets that poll() reads at most

class UpcallHandlers {
 public:
  /// threads 0: none, and one handler.
  static std::expected<std::unique_ptr<UpcallHandlers>, int> start(unsigned threads);
  ~UpcallHandlers();

  /// How packets are read from now on.
  void set_format(uint16_t packet_family, unsigned vlan_tags);
  /// A socket that one of the handlers reads; they get new ones in turn.  It is read no longer when it has been removed.
  std::expected<std::shared_ptr<GenlSocket>, int> add_socket(int buffer_bytes);
  void remove_socket(const std::shared_ptr<GenlSocket>& socket);
  /// How many there are, at least one.
  size_t size() const { return handlers_.size(); }

  /// Readable when there is something to poll() or to take().
  int fd() const;
  /// Reads what is there, within a bound, if no thread does; true if there is more.
  bool poll();
  UpcallBatch take(size_t most);
  /// Without threads: packets are read by read_each() and not queued.
  void set_direct(bool direct) { direct_ = direct && !threads_; }
  bool is_direct() const { return direct_; }
  /// Reads a few packets of each socket; true if there may be more.
  using Visit = std::function<void(Upcall&&)>;
  bool read_each(const Visit& visit);
  bool has_queued() const { return !queues_.empty(); }
  /// Packets that were read and found no room, and times that a socket overflowed (then the kernel has counted the packets).
  uint64_t lost() const { return queues_.lost(); }
  uint64_t overflows() const { return overflows_; }
  /// Messages that could not be read.
  uint64_t unreadable() const { return unreadable_; }

 private:
  class Handler;
  UpcallHandlers();
  size_t read(GenlSocket& socket, GenlBatch& batch);
  void message(const GenlMessage& m);

  std::vector<std::unique_ptr<Handler>> handlers_;
  size_t next_ = 0;
  bool threads_ = false, direct_ = false;
  const Visit* visit_ = nullptr;   // of the read_each() under way
  UpcallQueues queues_;
  UniqueFd bell_;               // eventfd; rung by threads
  std::atomic<uint16_t> family_ = 0;
  std::atomic<unsigned> vlan_tags_ = 2;
  std::atomic<uint64_t> overflows_ = 0, unreadable_ = 0;
};

/// As many as there are CPUs for us, within kMostHandlers; 0 for one CPU.
unsigned usual_handler_threads();

}  // namespace sluice
