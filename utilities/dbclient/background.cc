// SPDX-License-Identifier: Apache-2.0
#include "utilities/dbclient/background.h"

#include <fmt/core.h>

#include <cstdlib>

#include "lib/program.h"

namespace sluice::dbclient {

Background::Background(Session& s, Keep keep) : s_(s), daemon_(s.daemon, s.directories), control_(s.client().loop()) {
  daemon_.keep_stdout();
  if (keep == Keep::output_and_errors) daemon_.keep_stderr();
  daemon_.start();
  control_.add_text("exit", "", 0, 0, [this](UnixctlArgs) -> UnixctlText {
    exiting_ = true;
    s_.client().interrupt();
    return "";
  });
  if (!s.daemon.detach && !s.daemon.unixctl) return;
  if (auto path = daemon_.unixctl_path())
    if (auto ok = control_.listen(*path); !ok) fatal("{}", ok.error());
}

void Background::finish() {
  daemon_.finish();
  std::exit(0);
}

void Background::fail(std::string_view why) { fatal("{}: {}", s_.server, why); }

JsonRpcClient::Message Background::receive() {
  for (;;) {
    auto m = s_.client().receive(std::nullopt);
    if (exiting_) {
      s_.client().loop().run_once(Duration{});  // the answer to "exit" goes out
      finish();
    }
    if (!m) fail(fmt::format("receive failed ({})", m.error().text));
    if (*m) return std::move(**m);
  }
}

}  // namespace sluice::dbclient
