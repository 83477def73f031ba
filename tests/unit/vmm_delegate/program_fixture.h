#pragma once

#include <sys/stat.h>

#include <fstream>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/event_loop.h"
#include "common/http/client.h"
#include "tests/unit/vmm_delegate/machine_support.h"
#include "vmm_delegate/hypervisor/qemu/qmp.h"

namespace vbs::vmm_delegate {

/// The real vbs-vmmd beside real QEMUs without an operating system.
class ProgramFixture : public testing::Test {
 protected:
  void SetUp() override {
    if (::access(test::kQemu, X_OK) != 0) GTEST_SKIP() << test::kQemu << " is not installed";
    const std::string portal = test::free_portal();
    endpoint = *http::Endpoint::parse("http://" + portal);
    std::ofstream(config) << "name = \"hv1\"\nlisten = \"" << portal << "\"\ntoken_file = \""
                          << dir.path("token") << "\"\nstate_dir = \"" << dir.path("state")
                          << "\"\nlog_file = \"" << dir.path("log")
                          << "\"\n[hypervisor]\nfolder = \"" << dir.path() << "\"\n";
    std::ofstream(dir.path("token")) << kToken << "\n";
    ::chmod(dir.path("token").c_str(), 0600);
  }

  test::Child vmmd(const std::string& fault = "") {
    std::vector<std::string> environment{"LC_ALL=C"};
    if (!fault.empty()) environment.push_back("VBS_FAULT=" + fault);
    return test::Child({VBS_BIN_DIR "/vbs-vmmd", "--config", config}, environment, dir.path("out"));
  }
  void start(const std::string& fault = "") {
    daemon.kill();
    daemon = vmmd(fault);
    ASSERT_TRUE(test::eventually([&] { return ask(http::Method::get, "/healthz").has_value(); }))
        << test::slurp(dir.path("out")) << test::slurp(dir.path("log"));
  }
  void start_vm(const std::string& name, const std::vector<std::string>& more = {}) {
    vms[name] = test::start_qemu(dir.path(), name, more);
    ASSERT_TRUE(test::eventually([&] { return state(name) != ""; }));
  }

  /// "running", "paused", "prelaunch"...; asked of QEMU itself.
  std::string state(const std::string& vm) {
    auto qmp = connect(vm);
    if (!qmp) return "";
    const auto status = qmp->execute("query-status");
    return status ? *status->find("status")->as<std::string>() : "";
  }
  Result<Qmp> connect(const std::string& vm) { return Qmp::connect(dir.path(vm + ".qmp"), {}); }

  Result<http::Response> ask(http::Method method, const std::string& path,
                             const std::string& body = "", const std::string& token = kToken,
                             std::vector<std::pair<std::string, std::string>> query = {}) {
    http::Request request;
    request.method = method;
    request.path = path;
    request.body = body;
    request.query = std::move(query);
    request.headers.set("Authorization", "Bearer " + token);
    std::promise<Result<http::Response>> answered;
    client.send(endpoint, std::move(request), Milliseconds(60'000),
                [&](Result<http::Response> response) { answered.set_value(std::move(response)); });
    return answered.get_future().get();
  }
  Result<http::Response> freeze(const Uuid& id, int lease_ms) {
    return ask(http::Method::put, "/v1/freezes/" + id.str(),
               R"({"vm":"vm1","pause":true,"lease_ms":)" + std::to_string(lease_ms) + "}");
  }
  /// The process that watches a freeze's lease; 0 if there is none.
  /// Of this test: others that run beside it have freezes of the same names.
  pid_t helper_of(const Uuid& id) const {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      // Processes end while they are looked at.
      const std::string arguments = read_file(entry.path() / "cmdline").value_or("");
      if (arguments.find("vbs-thaw") == std::string::npos) continue;
      if (arguments.find(id.str()) == std::string::npos) continue;
      if (arguments.find(config) == std::string::npos) continue;
      return static_cast<pid_t>(std::stoi(entry.path().filename()));
    }
    return 0;
  }
  /// How the freeze stands, as the delegate tells; "" if it tells nothing.
  std::string freeze_state(const Result<http::Response>& response) {
    if (!response || response->status != 200) return "";
    return *json::parse(response->body)->find("state")->as<std::string>();
  }

  static constexpr const char* kToken = "a-token-for-this-test";
  test::TempDir dir;
  const std::string config = dir.path("vbs-vmmd.toml");
  http::Endpoint endpoint;
  EventLoop loop{"test-client"};
  http::Client client{loop};
  std::map<std::string, test::Child> vms;
  test::Child daemon;
};

}  // namespace vbs::vmm_delegate
