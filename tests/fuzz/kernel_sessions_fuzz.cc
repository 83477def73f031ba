#include <array>

#include "tests/fuzz/folder.h"
#include "tests/fuzz/fuzz.h"
#include "vmm_delegate/initiator/kernel_sessions.h"

namespace {

using namespace vbs;
using fuzz::require;

constexpr std::array kAttributes{
    "targetname",
    "state",
    "tpgt",
    "ifacename",
    "device/connection2:0/iscsi_connection/connection2:0/persistent_address",
    "device/connection2:0/iscsi_connection/connection2:0/persistent_port",
    "device/target2:0:0/2:0:0:1/block/sda/dev",
    "device/target2:0:0/2:0:0:1/block/sda/size",
    "device/target2:0:0/2:0:0:1/vpd_pg80"};

constexpr std::size_t kMost = 4096;  // a page, as sysfs gives it

/// A session's folder leads to its device by a link.
class Sysfs {
 public:
  Sysfs() {
    const std::string device = "devices/host2/session1";
    folder_.write(device + "/uevent", "");
    std::filesystem::create_directories(folder_.path() / "class/iscsi_session/session1");
    std::filesystem::create_directory_symlink(
        folder_.path() / device, folder_.path() / "class/iscsi_session/session1/device");
  }
  std::string path() const { return folder_.path(); }
  void write(const std::string& attribute, std::string_view text) const {
    folder_.write("class/iscsi_session/session1/" + attribute, text.substr(0, kMost));
  }

 private:
  fuzz::Folder folder_;
};

}  // namespace

/// Attributes of a session of the kernel's initiator, one after the other, with lines "--" between.
void vbs::fuzz::one_input(std::string_view input) {
  static const Sysfs sysfs;
  std::string_view rest = input;
  for (const char* attribute : kAttributes) sysfs.write(attribute, next_part(rest));
  const auto sessions = vmm_delegate::KernelSessions(sysfs.path()).list();
  require(sessions && sessions->size() == 1, "the session is seen");
  const auto& session = sessions->front();
  require(session.sid == 1 && session.host == 2, "its numbers are those of its names");
  require(session.disks.size() == 1 && session.disk(1) != nullptr, "its disk is seen");
  require(session.disk(1)->known_serial.size() <= 255, "a serial number is within its page");
}
