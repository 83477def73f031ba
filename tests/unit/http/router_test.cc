#include "common/http/router.h"

#include <gtest/gtest.h>

#include <optional>

namespace vbs::http {
namespace {

class RouterTest : public ::testing::Test {
 protected:
  void add(Method method, const std::string& pattern) {
    router_.add(method, pattern, [this, pattern](Request request, Responder respond) {
      seen_ = std::move(request);
      respond(json(200, pattern));
    });
  }

  Response ask(Method method, std::string path) {
    Request request;
    request.method = method;
    request.path = std::move(path);
    std::optional<Response> answer;
    router_.handle(std::move(request), [&](Response response) { answer = std::move(response); });
    EXPECT_TRUE(answer);
    return answer.value_or(Response{});
  }

  Router router_;
  Request seen_;
};

TEST_F(RouterTest, FillsInTheParts) {
  add(Method::get, "/v1/volumes/{id}/attachments/{attachment}");
  EXPECT_EQ(ask(Method::get, "/v1/volumes/a b/attachments/7").status, 200u);
  EXPECT_EQ(seen_.param("id"), "a b");
  EXPECT_EQ(seen_.param("attachment"), "7");
  EXPECT_EQ(seen_.path, "/v1/volumes/a b/attachments/7");
}

TEST_F(RouterTest, PrefersLiterals) {
  add(Method::get, "/v1/{kind}/x");
  add(Method::get, "/v1/volumes/{id}");
  add(Method::get, "/v1/volumes/all");
  EXPECT_EQ(ask(Method::get, "/v1/volumes/all").body, "/v1/volumes/all");
  EXPECT_EQ(ask(Method::get, "/v1/volumes/x").body, "/v1/volumes/{id}");
  EXPECT_EQ(ask(Method::get, "/v1/nodes/x").body, "/v1/{kind}/x");
}

TEST_F(RouterTest, KnowsOnlyWholePaths) {
  add(Method::get, "/");
  add(Method::get, "/v1/volumes/{id}");
  EXPECT_EQ(ask(Method::get, "/").status, 200u);
  for (const char* path :
       {"/v1", "/v1/volumes", "/v1/volumes/", "/v1/volumes/1/", "/v1/volumes/1/2", "//v1/volumes/1",
        "/v1//volumes/1", "/V1/volumes/1", "*"}) {
    const Response response = ask(Method::get, path);
    EXPECT_EQ(response.status, 404u) << path;
    EXPECT_EQ(error_of(response).code, ErrorCode::not_found);
  }
}

TEST_F(RouterTest, NamesTheMethodsOfAPath) {
  add(Method::get, "/v1/volumes/{id}");
  add(Method::del, "/v1/volumes/{volume}");
  add(Method::post, "/v1/volumes/import");
  const Response response = ask(Method::put, "/v1/volumes/1");
  EXPECT_EQ(response.status, 405u);
  EXPECT_EQ(response.headers.find("Allow"), "GET, HEAD, DELETE");
  EXPECT_EQ(ask(Method::del, "/v1/volumes/1").status, 200u);
  EXPECT_EQ(seen_.param("volume"), "1");
  const Response import = ask(Method::get, "/v1/volumes/import");
  EXPECT_EQ(import.status, 405u);
  EXPECT_EQ(import.headers.find("Allow"), "POST");
  EXPECT_EQ(ask(Method::other, "/v1/volumes/1").status, 405u);
}

TEST_F(RouterTest, AnswersHeadByGet) {
  add(Method::get, "/v1/volumes");
  add(Method::post, "/v1/nodes");
  EXPECT_EQ(ask(Method::head, "/v1/volumes").body, "/v1/volumes");
  EXPECT_EQ(seen_.method, Method::head);
  EXPECT_EQ(ask(Method::head, "/v1/nodes").status, 405u);
}

TEST_F(RouterTest, ListsRoutesAndPatterns) {
  add(Method::get, "/v1/volumes/{id}");
  add(Method::put, "/v1/volumes/{id}");
  ASSERT_EQ(router_.routes().size(), 2u);
  EXPECT_EQ(router_.routes()[1].method, Method::put);
  EXPECT_EQ(router_.routes()[1].pattern, "/v1/volumes/{id}");
  EXPECT_EQ(router_.pattern_of(Method::get, "/v1/volumes/9"), "/v1/volumes/{id}");
  EXPECT_EQ(router_.pattern_of(Method::head, "/v1/volumes/9"), "/v1/volumes/{id}");
  EXPECT_EQ(router_.pattern_of(Method::del, "/v1/volumes/9"), "");
  EXPECT_EQ(router_.pattern_of(Method::get, "/v1/nodes/9"), "");
}

}  // namespace
}  // namespace vbs::http
