#include "tests/conformance/initiator/fixture.h"

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "common/config.h"
#include "common/json.h"
#include "common/log.h"

namespace vbs::conformance {
namespace {

constexpr const char* kNode = "conformance";

bool none_removed(const Uuid&) {
  return false;
}

}  // namespace

std::vector<std::string> names_with(const std::string& folder, const std::string& part) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.find(part) != std::string::npos) names.push_back(name);
  }
  return names;
}

InitiatorSettings InitiatorConformance::settings() {
  const char* driver = std::getenv("VBS_CONFORMANCE_DRIVER");
  auto table = *config::Table::parse("[initiator]\ndriver = \"" +
                                     std::string(driver == nullptr ? "" : driver) + "\"");
  auto settings = vmm_delegate::read_initiator(table, kNode);
  EXPECT_TRUE(table.finish()) << "VBS_CONFORMANCE_DRIVER names no driver";
  return settings;
}

void InitiatorConformance::SetUp() {
  if (::access(test::kTgtd, X_OK) != 0) GTEST_SKIP() << test::kTgtd << " is not installed";
  targets_ = std::make_unique<Targets>(settings().name);
  reopen();
}

void InitiatorConformance::TearDown() {
  if (!initiator_) return;
  for (const unsigned number : numbers_) {
    const auto done = log_out(number);
    EXPECT_TRUE(done) << done.error().message;
    expect_nothing(number);
  }
}

void InitiatorConformance::reopen(const InitiatorSettings& settings) {
  initiator_.reset();
  auto made = vmm_delegate::make_initiator(settings, none_removed);
  ASSERT_TRUE(made) << made.error().message;
  initiator_ = *std::move(made);
}

wire::SessionSpec InitiatorConformance::serve(unsigned number) {
  numbers_.push_back(number);
  return targets_->serve(test_id(number), test_id(100 + number));
}

Result<wire::SessionStatus> InitiatorConformance::log_in(unsigned number,
                                                         const wire::SessionSpec& spec) {
  numbers_.push_back(number);
  return patiently([&] { return initiator_->log_in(test_id(number), spec); });
}

Result<void> InitiatorConformance::log_out(unsigned number) {
  return patiently([&] { return initiator_->log_out(test_id(number)); });
}

Error InitiatorConformance::refusal(unsigned number, const wire::SessionSpec& spec) {
  numbers_.push_back(number);
  const auto is_unsettled = [](const Result<wire::SessionStatus>& status) {
    return !status && (status.error().code == ErrorCode::timeout ||
                       status.error().code == ErrorCode::overloaded);
  };
  auto status = initiator_->log_in(test_id(number), spec);
  for (int again = 0; again < 3 && is_unsettled(status); ++again) {
    status = initiator_->log_in(test_id(number), spec);
  }
  return status ? Error{ErrorCode::internal, "it succeeded", {}, {}, {}} : status.error();
}

void InitiatorConformance::expect_nothing(unsigned number) {
  if (!of_host()) return;
  const std::string id = test_id(number).str();
  for (const std::string& session : names_with("/sys/class/iscsi_session", "session")) {
    const std::string target = test::slurp("/sys/class/iscsi_session/" + session + "/targetname");
    EXPECT_EQ(target.find(id), std::string::npos) << session << " is " << target;
  }
  EXPECT_TRUE(test::eventually([&] { return names_with("/dev/disk/by-path", id).empty(); }));
  EXPECT_THAT(names_with("/etc/iscsi/nodes", id), ::testing::IsEmpty());
}

std::string InitiatorConformance::told_by(const std::vector<std::string>& argv) {
  process::Command command;
  command.argv = argv;
  const auto outcome = process::run(command);
  return outcome && outcome->exit_code == 0 ? outcome->out : "";
}

void InitiatorConformance::die_during(const std::string& verb, unsigned number,
                                      const wire::SessionSpec& spec, const std::string& point) {
  numbers_.push_back(number);
  json::Writer text;
  spec.to_json(text);
  const std::string order = text.take();
  const std::string id = test_id(number).str();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::setenv("VBS_FAULT", (point + "=kill").c_str(), 1);
    ::execl("/proc/self/exe", "conformance", "--act", verb.c_str(), id.c_str(), order.c_str(),
            nullptr);
    std::abort();
  }
  int status = 0;
  ASSERT_EQ(child, ::waitpid(child, &status, 0));
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << point << " was not hit";
}

bool act_as_child(int argc, char** argv) {
  if (argc != 5 || std::strcmp(argv[1], "--act") != 0) return false;
  const char* driver = std::getenv("VBS_CONFORMANCE_DRIVER");
  auto table = *config::Table::parse("[initiator]\ndriver = \"" +
                                     std::string(driver == nullptr ? "" : driver) + "\"");
  auto initiator =
      vmm_delegate::make_initiator(vmm_delegate::read_initiator(table, kNode), none_removed);
  const auto order = json::parse(argv[4]);
  const auto id = Uuid::parse(argv[3]);
  if (!initiator || !order || !id) return true;
  const auto spec = wire::SessionSpec::from_json(*order);
  if (!spec) return true;
  if (std::strcmp(argv[2], "log-in") == 0) {
    if (const auto status = (*initiator)->log_in(*id, *spec); !status) {
      std::fprintf(stderr, "%s\n", describe(status.error()).c_str());
    }
  } else if (const auto out = (*initiator)->log_out(*id); !out) {
    std::fprintf(stderr, "%s\n", describe(out.error()).c_str());
  }
  return true;
}

}  // namespace vbs::conformance
