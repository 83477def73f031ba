#include "tests/conformance/target/fixture.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/unit/volume_delegate/target_support.h"
#include "volume_delegate/target/make_target.h"

namespace vbs::conformance {

void TargetConformance::SetUp() {
  rig_ = make_rig(dir_.path());
  devices_ = std::make_unique<Devices>(dir_.path());
  reopen();
}

void TargetConformance::TearDown() {
  if (driver_) {
    for (const auto& [iqn, spec] : applied_) {
      EXPECT_EQ("", trouble(driver_->remove(iqn, spec.chap_user)));
    }
  }
  driver_.reset();
  devices_.reset();
  rig_.reset();
}

void TargetConformance::reopen() {
  driver_.reset();
  auto driver = volume_delegate::make_target(rig_->settings());
  ASSERT_EQ("", trouble(driver));
  driver_ = std::move(*driver);
  ASSERT_EQ("", trouble(driver_->ensure_running()));
}

TargetSpec TargetConformance::spec(unsigned number, unsigned volume) {
  if (volume == 0) volume = number;
  std::string& device = volumes_[volume];
  if (device.empty()) device = devices_->make("v" + std::to_string(volume));
  return volume_delegate::testing::target_spec(number, device, volume);
}

void TargetConformance::apply(const TargetSpec& spec) {
  applied_[spec.iqn] = spec;
  ASSERT_EQ("", trouble(driver_->apply(spec)));
}

void TargetConformance::remove(const TargetSpec& spec) {
  ASSERT_EQ("", trouble(driver_->remove(spec.iqn, spec.chap_user)));
}

TargetView TargetConformance::view(const TargetSpec& spec) {
  return volume_delegate::testing::target_view(*driver_, spec.iqn);
}

bool TargetConformance::is_listed(const std::string& iqn) {
  TargetSpec wanted;
  wanted.iqn = iqn;
  return view(wanted).iqn == iqn;
}

Credentials TargetConformance::credentials(const TargetSpec& spec) {
  return {spec.iqn, spec.initiator, spec.chap_user, spec.chap_secret.reveal()};
}

Result<std::unique_ptr<Session>> TargetConformance::try_login(const TargetSpec& spec) {
  return rig_->log_in(credentials(spec));
}

std::unique_ptr<Session> TargetConformance::log_in(const TargetSpec& spec) {
  auto session = try_login(spec);
  EXPECT_EQ("", trouble(session));
  return session ? std::move(*session) : nullptr;
}

bool TargetConformance::refuses(const Credentials& credentials) {
  return !rig_->log_in(credentials);
}

void TargetConformance::die_during(const std::string& verb, const TargetSpec& spec,
                                   const std::string& point) {
  applied_[spec.iqn] = spec;
  const std::string number = std::to_string(spec.number);
  const std::string read_only = spec.read_only ? "1" : "0";
  const std::string portal = driver_->portal();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::setenv("VBS_FAULT", (point + "=kill").c_str(), 1);
    ::execl("/proc/self/exe", "conformance", "--act", verb.c_str(), dir_.path().c_str(),
            portal.c_str(), spec.iqn.c_str(), number.c_str(), spec.device.c_str(),
            spec.serial.c_str(), spec.initiator.c_str(), spec.chap_user.c_str(), read_only.c_str(),
            nullptr);
    std::abort();
  }
  int status = 0;
  ASSERT_EQ(child, ::waitpid(child, &status, 0));
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << point << " was not hit";
}

bool act_as_child(int argc, char** argv) {
  if (argc != 12 || std::strcmp(argv[1], "--act") != 0) return false;
  TargetSpec spec;
  spec.iqn = argv[5];
  spec.number = static_cast<std::uint32_t>(std::atoi(argv[6]));
  spec.device = argv[7];
  spec.serial = argv[8];
  spec.initiator = argv[9];
  spec.chap_user = argv[10];
  spec.chap_secret = Secret(volume_delegate::testing::kTargetSecret);
  spec.read_only = std::strcmp(argv[11], "1") == 0;
  const auto portal = volume_delegate::Portal::parse(argv[4]);
  auto driver = volume_delegate::make_target(settings_for(argv[3], *portal));
  if (!driver) return true;
  const bool applies = std::strcmp(argv[2], "apply") == 0;
  const auto done = applies ? (*driver)->apply(spec) : (*driver)->remove(spec.iqn, spec.chap_user);
  if (!done) std::fprintf(stderr, "%s\n", describe(done.error()).c_str());
  return true;
}

}  // namespace vbs::conformance
