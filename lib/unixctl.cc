// SPDX-License-Identifier: Apache-2.0
// See unixctl.h: the server.
#include "lib/unixctl.h"

#include <fmt/core.h>
#include <unistd.h>

#include <list>
#include <map>

#include "lib/jsonrpc.h"
#include "lib/listener.h"
#include "lib/program.h"

namespace sluice {
namespace unixctl_internal {

/// One client.  Reads nothing more while a command is unanswered, so requests are answered in order.  A session without a stream serves call().
struct Session {
  std::unique_ptr<Connection> stream;
  std::unique_ptr<JsonRpcSession> rpc;
  Json id;
  bool json_format = false;
  std::optional<UnixctlText> direct;  // the answer of call()

  void finish(const Json& value, bool is_error) {
    if (!rpc) {
      std::string text = value.is_string() ? std::string(value.string()) : value.to_string();
      direct = is_error ? UnixctlText(std::unexpected(text)) : UnixctlText(text);
      return;
    }
    // On the wire texts end with a newline, those of errors too.
    bool whole = !value.is_string() || value.string().empty() || value.string().ends_with('\n');
    const Json& out = whole ? value : Json(std::string(value.string()) + '\n');
    is_error ? rpc->error(out, id) : rpc->reply(out, id);
    rpc->pause(false);
  }
};

}  // namespace unixctl_internal

using unixctl_internal::Session;

struct UnixctlServer::Impl {
  struct Command {
    std::string usage;
    int min_args, max_args;
    Handler handler;
  };
  Loop& loop;
  std::map<std::string, std::shared_ptr<Command>, std::less<>> commands;
  std::list<std::shared_ptr<Session>> sessions;
  std::unique_ptr<Listener> listener;
  std::string path;
  JsonArena arena;

  explicit Impl(Loop& l) : loop(l) {}
  void accept(std::unique_ptr<Connection> stream);
  void request(const std::shared_ptr<Session>& session, std::string_view method, const Json& params, const Json& id);
  void run(const std::shared_ptr<Session>& session, std::string_view name, UnixctlArgs args);
  std::string list() const;
};

UnixctlReply& UnixctlReply::operator=(UnixctlReply&& other) noexcept {
  if (this != &other) {
    if (open_) ok("");
    session_ = std::move(other.session_);
    open_ = std::exchange(other.open_, false);
  }
  return *this;
}
UnixctlReply::~UnixctlReply() {
  if (open_) ok("");
}
void UnixctlReply::ok(std::string_view text) {
  if (wants_json())
    finish(Json::object({{"reply-format", "plain"}, {"reply", text}}), false);
  else
    finish(Json(text), false);
}
void UnixctlReply::error(std::string_view text) { finish(Json(text), true); }
void UnixctlReply::json(const Json& value) { finish(value, false); }
bool UnixctlReply::wants_json() const {
  auto s = session_.lock();
  return s && s->json_format;
}
void UnixctlReply::finish(const Json& value, bool is_error) {
  if (!std::exchange(open_, false)) return;
  if (auto s = session_.lock()) s->finish(value, is_error);
}

UnixctlServer::UnixctlServer(Loop& loop) : impl_(std::make_unique<Impl>(loop)) {
  add_text("list-commands", "", 0, 0, [this](UnixctlArgs) -> UnixctlText { return impl_->list(); });
  add_text("help", "", 0, 0, [this](UnixctlArgs) -> UnixctlText { return impl_->list(); });
  add_text("version", "", 0, 0, [](UnixctlArgs) -> UnixctlText { return version_text(); });
}
UnixctlServer::~UnixctlServer() = default;

std::expected<void, std::string> UnixctlServer::listen(const std::string& path) {
  Target target{.kind = TransportKind::unix_socket, .passive = true, .path = path, .text = "punix:" + path};
  auto listener = Listener::listen(impl_->loop, target, [this](std::unique_ptr<Connection> c) { impl_->accept(std::move(c)); });
  if (!listener) return std::unexpected(fmt::format("{}: could not initialize control socket ({})", path, listener.error().text));
  impl_->listener = std::move(*listener);
  impl_->path = path;
  return {};
}
const std::string& UnixctlServer::path() const { return impl_->path; }

void UnixctlServer::add(std::string name, std::string usage, int min_args, int max_args, Handler handler) {
  impl_->commands[std::move(name)] = std::make_shared<Impl::Command>(std::move(usage), min_args, max_args, std::move(handler));
}

void UnixctlServer::add_text(std::string name, std::string usage, int min_args, int max_args, std::move_only_function<UnixctlText(UnixctlArgs)> fn) {
  add(std::move(name), std::move(usage), min_args, max_args, [fn = std::move(fn)](UnixctlArgs args, UnixctlReply reply) mutable {
    auto text = fn(args);
    text ? reply.ok(*text) : reply.error(text.error());
  });
}

void UnixctlServer::remove(std::string_view name) {
  if (auto it = impl_->commands.find(name); it != impl_->commands.end()) impl_->commands.erase(it);
}

UnixctlText UnixctlServer::call(std::string_view name, UnixctlArgs args) {
  auto session = std::make_shared<Session>();
  impl_->run(session, name, args);
  return session->direct.value_or(UnixctlText(std::unexpected("the command did not answer at once")));
}

void UnixctlServer::Impl::accept(std::unique_ptr<Connection> stream) {
  auto session = std::make_shared<Session>();
  session->stream = std::move(stream);
  std::weak_ptr<Session> weak = session;
  JsonRpcSession::Handlers handlers;
  handlers.on_request = [this, weak](std::string_view method, const Json& params, const Json& id) {
    if (auto s = weak.lock()) request(s, method, params, id);
  };
  session->rpc = std::make_unique<JsonRpcSession>(*session->stream, arena, std::move(handlers));
  session->stream->on_close([this, weak](std::string_view) {
    if (auto s = weak.lock()) sessions.remove(s);
  });
  sessions.push_back(std::move(session));
}

void UnixctlServer::Impl::request(const std::shared_ptr<Session>& session, std::string_view method, const Json& params, const Json& id) {
  session->id = Json(id);
  std::vector<std::string> args;
  for (const Json& p : params.elements()) {
    if (!p.is_string()) return session->finish(Json(fmt::format("\"{}\" command has non-string argument", method)), true);
    args.emplace_back(p.string());
  }
  if (method == "set-options") {  // of this connection, so not in the table
    for (size_t i = 0; i + 1 < args.size(); i++)
      if (args[i] == "--format") session->json_format = args[i + 1] == "json";
    return session->finish(Json(""), false);
  }
  session->rpc->pause(true);
  run(session, method, args);
}

void UnixctlServer::Impl::run(const std::shared_ptr<Session>& session, std::string_view name, UnixctlArgs args) {
  auto it = commands.find(name);
  auto refuse = [&](std::string text) { session->finish(Json(text), true); };
  if (it == commands.end()) return refuse(fmt::format("\"{}\" is not a valid command (use \"list-commands\" to see a list of valid commands)", name));
  std::shared_ptr<Command> command = it->second;
  int n = static_cast<int>(args.size());
  if (n < command->min_args) return refuse(fmt::format("\"{}\" command requires at least {} arguments", name, command->min_args));
  if (n > command->max_args) return refuse(fmt::format("\"{}\" command takes at most {} arguments", name, command->max_args));
  command->handler(args, UnixctlReply(session));
}

std::string UnixctlServer::Impl::list() const {
  std::string out = "The available commands are:\n";
  for (const auto& [name, command] : commands) out += fmt::format("  {:<23} {}\n", name, command->usage);
  return out;
}

std::string unixctl_default_path(std::string_view run_dir) { return fmt::format("{}/{}.{}.ctl", run_dir, program_name(), getpid()); }

}  // namespace sluice
