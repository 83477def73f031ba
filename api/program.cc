#include "api/program.h"

#include <future>

#include "api/front.h"
#include "api/http_delegate_client.h"
#include "common/event_loop.h"
#include "common/http/link_settings.h"
#include "common/random.h"
#include "common/secret_file.h"

namespace vbs::api {

namespace {

http::ClientOptions client_options(std::shared_ptr<http::TlsContext> tls) {
  http::ClientOptions options;
  options.tls = std::move(tls);
  return options;
}

Result<Authenticator> make_authenticator(const Settings& settings) {
  if (!settings.tokens_file.empty()) return Authenticator::from_file(settings.tokens_file);
  if (http::is_loopback(settings.server.address)) return Authenticator::open_to_all();
  return fail(ErrorCode::invalid_field,
              "listening on " + settings.server.address +
                  " needs tokens_file: without tokens vbsd serves loopback only");
}

/// Runs `work` on the loop and waits for it.
template <class F>
auto on_loop(EventLoop& loop, F work) -> decltype(work()) {
  std::promise<decltype(work())> done;
  loop.post([&] { done.set_value(work()); });
  return done.get_future().get();
}

}  // namespace

struct Program::Impl {
  Impl(const Settings& given, std::shared_ptr<http::TlsContext> certificates, Secret token)
      : settings(given),
        tls(std::move(certificates)),
        client(loop, client_options(tls)),
        delegates(client, settings, std::move(token)) {}

  ~Impl() {
    if (server) server->stop();
    loop.stop();
    // The writer still carries out what is queued, which refers to the front and posts to the loop.
    database.reset();
  }

  Result<void> serve(Authenticator authenticator) {
    db::DatabaseOptions options;
    options.path = settings.database;
    options.key_file = settings.database_key_file;
    auto opened = db::Database::open(options);
    if (!opened) return fail(opened.error());
    database = std::move(*opened);
    front = std::make_unique<Front>(settings, std::move(authenticator), *database,
                                    Front::Outside{delegates, clock, random, loop});
    front->set_http_counters(
        [this] { return server ? server->counters() : http::ServerCounters{}; });
    if (auto ok = on_loop(loop, [this] { return front->start(); }); !ok) return ok;
    http::ServerOptions serving = settings.server;
    serving.tls = tls;
    auto started =
        http::Server::start(serving, [this](http::Request request, http::Responder respond) {
          front->handle(std::move(request), std::move(respond));
        });
    if (!started) return fail(started.error());
    // The loop's thread may look at it already.
    on_loop(loop, [&] { return (server = std::move(*started)) != nullptr; });
    return {};
  }

  const Settings settings;
  const std::shared_ptr<http::TlsContext> tls;
  SystemClock clock;
  SystemRandom random;
  EventLoop loop{"vbs-engine"};
  http::Client client;
  HttpDelegateClient delegates;
  std::unique_ptr<db::Database> database;
  std::unique_ptr<Front> front;
  std::unique_ptr<http::Server> server;
};

Program::Program(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Program::~Program() = default;

Result<std::unique_ptr<Program>> Program::start(const Settings& settings) {
  auto authenticator = make_authenticator(settings);
  if (!authenticator) return fail(authenticator.error());
  auto token = read_secret_file(settings.service_token_file, "service_token_file");
  if (!token) return fail(token.error());
  std::shared_ptr<http::TlsContext> tls;
  if (!settings.tls.empty()) {
    auto loaded = http::TlsContext::load(settings.tls);
    if (!loaded) return fail(loaded.error());
    tls = std::move(*loaded);
  }
  auto impl = std::make_unique<Impl>(settings, std::move(tls), std::move(*token));
  if (auto ok = impl->serve(std::move(*authenticator)); !ok) return fail(ok.error());
  return std::unique_ptr<Program>(new Program(std::move(impl)));
}

void Program::reload_certificates() {
  http::reload_certificates(impl_->tls);
}

std::uint16_t Program::port() const {
  return impl_->server->port();
}

}  // namespace vbs::api
