#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tests/unit/common/support.h"
#include "vmm_delegate/initiator/iscsiadm.h"
#include "vmm_delegate/initiator/scsi_layer.h"

namespace vbs::fakes {

/// A host with iscsid and a SCSI layer, but no kernel: commands and requests change a folder that
/// looks like sysfs. Everything that is done is written down. Thread-safe.
class FakeIscsiHost {
 public:
  struct Target {
    std::string serial;
    int login_exit = 0;  ///< of iscsiadm
  };

  FakeIscsiHost();
  std::string path(const std::string& name) const { return dir_.path(name); }
  void set_target(const std::string& iqn, Target target);
  /// A session as the kernel shows it, with the disk 1 if it has a serial.
  unsigned add_session(const std::string& iqn, const std::string& interface,
                       const std::string& serial, const std::string& portal = "127.0.0.1:3260",
                       const std::string& portal_group = "1");
  void set_state(unsigned sid, const std::string& state);
  void remove_session(unsigned sid);
  std::vector<std::string> session_names() const;

  /// Runs iscsiadm; `answer`, where it is set, may take its place.
  Result<process::Outcome> run(const process::Command& command);
  std::function<std::optional<process::Outcome>(const std::vector<std::string>& argv)> answer;
  std::unique_ptr<vmm_delegate::ScsiLayer> scsi_layer();

  /// "scan 1 1", "flush sda", ... and the commands without their program, in their order.
  std::vector<std::string> done() const;
  void forget() { done_.clear(); }
  std::vector<std::vector<std::string>> commands() const;

  // What the SCSI layer answers.
  std::vector<std::string> users;
  Result<void> flushed;
  bool has_units = true;  ///< behind the disks of sessions
  bool udev_runs = true;
  std::function<void()> on_scan;
  bool keeps_sessions = false;  ///< a logout succeeds and changes nothing

 private:
  class Scsi;
  struct Session {
    std::string iqn;
    std::string serial;
    std::string device;
    std::string link;  ///< the start of the name that udev gives to its disks
  };
  void add_disk(unsigned sid);
  void remove_disk(const std::string& address);
  Session* by_host(unsigned host);
  void note(std::string what);

  test::TempDir dir_;
  mutable std::mutex mutex_;
  std::map<std::string, Target> targets_;
  std::map<unsigned, Session> sessions_;  ///< by sid, which is the number of the host too
  unsigned next_ = 1;
  std::vector<std::string> done_;
  std::vector<std::vector<std::string>> commands_;
};

}  // namespace vbs::fakes
