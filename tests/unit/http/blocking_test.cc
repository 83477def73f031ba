#include "common/http/blocking.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <stdexcept>

namespace vbs::http {
namespace {

std::future<Response> call(const Handler& handler, Request request = {}) {
  auto promise = std::make_shared<std::promise<Response>>();
  handler(std::move(request),
          [promise](Response response) { promise->set_value(std::move(response)); });
  return promise->get_future();
}

Request with_authorization(std::string path, std::string value) {
  Request request;
  request.path = std::move(path);
  request.headers.set("Authorization", std::move(value));
  return request;
}

TEST(OnPool, RunsTheHandlerOnThePool) {
  ThreadPool pool("test", 1, 4);
  const auto caller = std::this_thread::get_id();
  const Handler handler = on_pool(pool, [&](const Request& request) {
    EXPECT_NE(std::this_thread::get_id(), caller);
    return json(200, request.body);
  });
  Request request;
  request.body = "hello";
  EXPECT_EQ(call(handler, std::move(request)).get().body, "hello");
}

TEST(OnPool, Answers503WhenTheQueueIsFull) {
  ThreadPool pool("test", 1, 1);
  std::promise<void> started;
  std::promise<void> release;
  auto released = release.get_future().share();
  std::once_flag once;
  const Handler handler = on_pool(pool, [&](const Request&) {
    std::call_once(once, [&] { started.set_value(); });
    released.wait();
    return no_content();
  });
  auto running = call(handler);
  started.get_future().wait();
  auto queued = call(handler);
  const Response refused = call(handler).get();
  EXPECT_EQ(refused.status, 503u);
  EXPECT_EQ(refused.headers.find("Retry-After"), "1");
  EXPECT_EQ(error_of(refused).code, ErrorCode::overloaded);
  release.set_value();
  EXPECT_EQ(running.get().status, 204u);
  EXPECT_EQ(queued.get().status, 204u);
}

TEST(OnPool, TurnsAnExceptionInto500) {
  ThreadPool pool("test", 1, 1);
  const Handler handler =
      on_pool(pool, [](const Request&) -> Response { throw std::runtime_error("secret detail"); });
  const Response response = call(handler).get();
  EXPECT_EQ(response.status, 500u);
  EXPECT_EQ(response.body.find("secret detail"), std::string::npos);
}

TEST(RequireToken, LetsOnlyTheTokenThrough) {
  const Handler handler =
      require_token(Secret("s3cret"), [](Request, Responder respond) { respond(no_content()); });
  EXPECT_EQ(call(handler, with_authorization("/v1", "Bearer s3cret")).get().status, 204u);
  EXPECT_EQ(call(handler, with_authorization("/v1", "bearer s3cret")).get().status, 204u);
  for (const char* value : {"", "s3cret", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cretx",
                            "Bearer S3CRET", "Basic s3cret", "Bearer  s3cret", "Bearers3cret"}) {
    const Response response = call(handler, with_authorization("/v1", value)).get();
    EXPECT_EQ(response.status, 401u) << value;
    EXPECT_EQ(response.headers.find("WWW-Authenticate"), "Bearer");
  }
  EXPECT_EQ(call(handler, Request{}).get().status, 401u);
}

TEST(RequireToken, LeavesHealthOpen) {
  const Handler handler =
      require_token(Secret("s3cret"), [](Request, Responder respond) { respond(no_content()); });
  for (const auto& [path, status] : {std::pair{"/healthz", 204u},
                                     {"/healthz/ready", 204u},
                                     {"/healthzz", 401u},
                                     {"/v1/healthz", 401u}}) {
    Request request;
    request.path = path;
    EXPECT_EQ(call(handler, std::move(request)).get().status, status) << path;
  }
}

TEST(RequireToken, AnEmptyTokenLetsNobodyThrough) {
  const Handler handler =
      require_token(Secret(), [](Request, Responder respond) { respond(no_content()); });
  EXPECT_EQ(call(handler, with_authorization("/v1", "Bearer ")).get().status, 401u);
  EXPECT_EQ(call(handler, Request{}).get().status, 401u);
}

}  // namespace
}  // namespace vbs::http
