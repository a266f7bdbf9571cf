// SPDX-License-Identifier: Apache-2.0
#include "lib/resolver.h"

#include <mutex>
#include <system_error>
#include <thread>

namespace sluice {

struct Resolution::Shared {
  std::mutex mutex;
  Loop* loop;                   // guarded by mutex; null: nobody waits any more, and the loop may be gone
  Callback<void(Result)> done;  // the loop's thread only
};

Resolution::Resolution(Loop& loop, const Target& target, Callback<void(Result)> done) : shared_(std::make_shared<Shared>()) {
  shared_->loop = &loop;
  shared_->done = std::move(done);
  auto work = [shared = shared_, target] {
    Result result = resolve_now(target);
    std::lock_guard lock(shared->mutex);
    if (!shared->loop) return;
    shared->loop->post([shared, result = std::move(result)]() mutable {
      if (!shared->done) return;
      Callback<void(Result)> fn = std::move(shared->done);
      shared->done = nullptr;
      fn(std::move(result));
    });
  };
  try {
    std::thread(std::move(work)).detach();
  } catch (const std::system_error& e) {
    loop.post([shared = shared_, text = std::string(e.what())] {
      if (shared->done) shared->done(std::unexpected(text));
    });
  }
}

Resolution::~Resolution() {
  {
    std::lock_guard lock(shared_->mutex);
    shared_->loop = nullptr;
  }
  shared_->done = nullptr;
}

}  // namespace sluice
