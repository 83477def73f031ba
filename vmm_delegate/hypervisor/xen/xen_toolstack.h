#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/error.h"
#include "common/process.h"

/// Xen's command line tools. Their texts are matched here and nowhere else.
namespace vbs::vmm_delegate::xen {

/// One line of `xl list` or `xm list`.
struct Domain {
  std::string name;
  std::optional<unsigned> id;  ///< none where it is off, which `xm list` shows
  std::string state;           ///< "running", "paused" or "off", as in wire::VmStatus
};

/// The domains that `xl list` or `xm list` printed, without Domain-0 and without those that have no
/// name that VBS takes. internal: the text is no such list.
Result<std::vector<Domain>> parse_domains(std::string_view text);

/// What a run of either tool printed, or the error that it tells of. Both end with 1 whatever went
/// wrong, and xl at times with 0.
Result<std::string> judge(const std::string& what, const process::Outcome& outcome);

/// What a disk is shown with, or taken away by.
struct Disk {
  std::string device;  ///< "sdb"
  std::string number;  ///< "2064", Xen's own for it; may be empty for `block_attach`
};

/// `xl`, or `xm` of Xen before 4.5. Thread-safe; every call is bounded in time.
///
/// Errors: not_found (no such domain), conflict (the device name is taken), node_unavailable (the
/// host device is not there), timeout (outcome unknown), internal (the tool's own words).
class Toolstack {
 public:
  struct Limits {
    Milliseconds list{10'000};
    // xl 4.17 itself waits 10 s for a back end or a guest, and 40 s for a hotplug script
    // (LIBXL_INIT_TIMEOUT, LIBXL_DESTROY_TIMEOUT, LIBXL_HOTPLUG_TIMEOUT of libxl_internal.h). Who
    // is ended before that leaves a device half made.
    Milliseconds attach{60'000};
    Milliseconds detach{30'000};  ///< xm waits 100 s for a guest
  };

  /// `name` is "xl" or "xm"; `program` its absolute path, empty for looking it up.
  Toolstack(std::string name, std::string program, Limits limits);

  const std::string& name() const { return name_; }
  Result<std::vector<Domain>> domains() const;
  Result<void> block_attach(const Domain& domain, const std::string& host_path, const Disk& disk,
                            bool read_only) const;
  /// Asks the guest to let go and waits a while. Success does not prove that it did. By `force` it
  /// is not asked.
  Result<void> block_detach(const Domain& domain, const Disk& disk, bool force) const;
  /// Xen counts who has paused a domain: each call needs its `unpause`.
  Result<void> pause(const Domain& domain) const;
  Result<void> unpause(const Domain& domain) const;
  /// An error that names the package where the program is missing.
  Result<std::string> program() const;

  /// The words after the program's name.
  std::vector<std::string> attach_arguments(const Domain& domain, const std::string& host_path,
                                            const Disk& disk, bool read_only) const;
  std::vector<std::string> detach_arguments(const Domain& domain, const Disk& disk,
                                            bool force) const;
  std::vector<std::string> pause_arguments(const Domain& domain) const;
  std::vector<std::string> unpause_arguments(const Domain& domain) const;

 private:
  bool is_xm() const { return name_ == "xm"; }
  std::string word_for(const Domain& domain) const;
  Result<std::string> run(const std::vector<std::string>& arguments, Milliseconds limit) const;

  const std::string name_;
  const std::string program_;
  const Limits limits_;
};

}  // namespace vbs::vmm_delegate::xen
