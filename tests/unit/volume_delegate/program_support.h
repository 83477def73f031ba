#pragma once

#include <future>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/http/client.h"
#include "common/process.h"
#include "tests/unit/volume_delegate/store_support.h"
#include "tests/unit/volume_delegate/tgt_support.h"

namespace vbs::volume_delegate::testing {

inline const std::string kToken = "0123456789abcdef";

/// The real vbs-volumed with its own tgtd, folders and ports.
class ProgramTest : public TgtTest {
 protected:
  void SetUp() override {
    TgtTest::SetUp();
    if (IsSkipped()) return;
    state_ = dir_ / "state";
    options_.folder = state_ + "/tgt";
    store_ = dir_ / "store";
    ASSERT_TRUE(std::filesystem::create_directory(store_));
    port_ = free_port();
    ASSERT_EQ("", trouble(write_file_durably(dir_ / "token", kToken + "\n", 0600)));
    write_config();
  }
  void TearDown() override {
    kill_program();
    TgtTest::TearDown();
    loop_.stop();
  }

  void write_config(const std::string& root = "") const {
    const std::string text =
        "name = \"vs1\"\nlisten = \"127.0.0.1:" + std::to_string(port_) + "\"\ntoken_file = \"" +
        (dir_ / "token") + "\"\nstate_dir = \"" + state_ + "\"\nlog_file = \"" + log() + "\"\n" +
        root + "\n[store]\nfolder = \"" + store_ +
        "\"\nreflink = \"never\"\n[target]\nportal = \"" + options_.portal.str() + "\"\n";
    ASSERT_EQ("", trouble(write_file_durably(config(), text, 0600)));
  }
  std::string config() const { return dir_ / "config.toml"; }
  std::string log() const { return dir_ / "log"; }
  static std::string program() { return std::string(VBS_BIN_DIR) + "/vbs-volumed"; }

  /// Starts it and waits until it serves.
  void start_program(const std::string& fault = "") {
    launch(fault);
    ASSERT_TRUE(eventually([this] { return ask(http::Method::get, "/healthz") == 200; }))
        << read_file(log()).value_or("") << read_file(dir_ / "output").value_or("");
  }
  void launch(const std::string& fault = "") {
    process::Command command;
    command.argv = {program(), "--config", config()};
    if (!fault.empty()) command.environment["VBS_FAULT"] = fault;
    const auto pid = process::start_detached(command, dir_ / "output");
    ASSERT_EQ("", trouble(pid));
    pid_ = *pid;
  }
  void kill_program() {
    kill_and_wait(pid_);
    pid_ = 0;
  }
  bool ends() const {
    return eventually([this] { return !is_alive(pid_); });
  }

  /// Sends without waiting.
  std::future<Result<http::Response>> begin(http::Method method, const std::string& target,
                                            const std::string& body, const std::string& token) {
    http::Request request;
    request.method = method;
    request.path = target.substr(0, target.find('?'));
    if (const auto at = target.find("generation="); at != std::string::npos) {
      request.query.emplace_back("generation", target.substr(at + 11, target.find('&') - at - 11));
    }
    for (const std::string flag : {"revoke", "bury"}) {
      if (target.find(flag + "=true") != std::string::npos)
        request.query.emplace_back(flag, "true");
    }
    request.headers.set("Authorization", "Bearer " + token);
    request.body = body;
    auto promise = std::make_shared<std::promise<Result<http::Response>>>();
    client_->send(
        {"127.0.0.1", port_}, std::move(request), Milliseconds(30'000),
        [promise](Result<http::Response> result) { promise->set_value(std::move(result)); });
    return promise->get_future();
  }
  /// Status of the answer, 0 if there was none; the body is in `body_`.
  unsigned ask(http::Method method, const std::string& target, const std::string& body = "",
               const std::string& token = kToken) {
    const auto answer = begin(method, target, body, token).get();
    body_ = answer ? answer->body : describe(answer.error());
    return answer ? answer->status : 0;
  }
  /// Status of the same order sent sixteen times at once.
  std::set<unsigned> ask_sixteen_times(http::Method method, const std::string& target,
                                       const std::string& body = "") {
    std::vector<std::future<Result<http::Response>>> answers;
    for (int i = 0; i < 16; ++i) answers.push_back(begin(method, target, body, kToken));
    std::set<unsigned> seen;
    for (auto& answer : answers) {
      const auto result = answer.get();
      seen.insert(result ? result->status : 0);
    }
    return seen;
  }
  unsigned put(const std::string& target, const std::string& body) {
    return ask(http::Method::put, target, body);
  }
  unsigned get(const std::string& target) { return ask(http::Method::get, target); }
  unsigned del(const std::string& target) { return ask(http::Method::del, target); }
  /// Asks again while the answer is "not yet".
  unsigned settled(const std::function<unsigned()>& again) {
    unsigned status = 0;
    eventually([&] { return (status = again()) != 202; });
    return status;
  }

  static std::string volume(unsigned n) { return "/v1/volumes/" + id(n).str(); }
  static std::string snapshot(unsigned n) { return "/v1/snapshots/" + id(n).str(); }
  static std::string export_of(unsigned n) { return "/v1/exports/" + id(n).str(); }
  static std::string blank() { return "{\"size_bytes\":8388608}"; }
  static std::string clone_of(unsigned n) {
    return "{\"size_bytes\":8388608,\"source_kind\":\"volume\",\"source\":\"" + id(n).str() + "\"}";
  }
  static std::string of_volume(unsigned n) { return "{\"volume\":\"" + id(n).str() + "\"}"; }
  static std::string order(unsigned n) {
    return "{\"volume\":\"" + id(n).str() +
           "\",\"initiator\":\"iqn.2026-01.host:1\",\"chap_user\":\"user1\",\"chap_secret\":"
           "\"secretsecret12\",\"read_only\":false,\"generation\":2}";
  }
  std::string image(unsigned n) const { return store_ + "/volumes/" + id(n).str() + ".img"; }

  std::string state_;
  std::string store_;
  std::string body_;
  std::uint16_t port_ = 0;
  int pid_ = 0;
  EventLoop loop_{"test-client"};
  std::unique_ptr<http::Client> client_ = std::make_unique<http::Client>(loop_);
};

}  // namespace vbs::volume_delegate::testing
