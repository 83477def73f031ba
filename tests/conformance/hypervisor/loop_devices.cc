#include "tests/conformance/hypervisor/loop_devices.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/process.h"
#include "tests/unit/vmm_delegate/support.h"

namespace vbs::conformance {
namespace {

constexpr std::uintmax_t kSize = 8 << 20;

std::string losetup(std::vector<std::string> arguments) {
  process::Command command;
  command.argv = {"/usr/sbin/losetup"};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  const auto outcome = process::run(command);
  EXPECT_TRUE(outcome && outcome->exit_code == 0)
      << (outcome ? outcome->err : outcome.error().message);
  return outcome ? outcome->out.substr(0, outcome->out.find('\n')) : "";
}

}  // namespace

LoopDevices::~LoopDevices() {
  for (const auto& [number, device] : devices_) losetup({"--detach", device});
}

std::string LoopDevices::image(unsigned number) const {
  return folder_ + "/image-" + std::to_string(number);
}

Storage LoopDevices::storage(unsigned number, bool read_only, bool there) {
  Storage storage;
  storage.session = test::device_spec("", test::test_id(1000 + number)).session;
  storage.session.read_only = read_only;
  storage.host_path = folder_ + "/by-path-" + test::test_id(number).str();
  if (!there || devices_.contains(number)) return storage;
  std::ofstream(image(number)) << "";
  std::filesystem::resize_file(image(number), kSize);
  const std::string device = losetup({"--find", "--show", image(number)});
  devices_[number] = device;
  std::filesystem::create_symlink(device, storage.host_path);
  return storage;
}

void LoopDevices::grow(unsigned number, std::uint64_t size_bytes) {
  std::filesystem::resize_file(image(number), size_bytes);
  losetup({"--set-capacity", devices_.at(number)});
}

char LoopDevices::first_byte(unsigned number) const {
  char byte = 0;
  std::ifstream(image(number), std::ios::binary).get(byte);
  return byte;
}

}  // namespace vbs::conformance
