#include "tests/conformance/target/rig.h"
#include "tests/unit/volume_delegate/tgt_support.h"

namespace vbs::conformance {
namespace {

using volume_delegate::kExportLun;
using volume_delegate::TgtControl;
namespace vt = volume_delegate::testing;

class TgtRig final : public Rig {
 public:
  explicit TgtRig(volume_delegate::TargetSettings settings) : settings_(std::move(settings)) {}
  ~TgtRig() override { kill_daemon(); }

  volume_delegate::TargetSettings settings() const override { return settings_; }
  Result<std::unique_ptr<Session>> log_in(const Credentials& credentials) override {
    return log_in_by_libiscsi(settings_.tgt.portal.str(), credentials);
  }
  bool kill_daemon() override {
    vt::kill_and_wait(vt::pid_behind(socket()));
    return vt::eventually(
        [this] { return volume_delegate::check_portal_is_free(settings_.tgt.portal).has_value(); });
  }
  void add_foreign_target(const std::string& iqn) override {
    EXPECT_TRUE(TgtControl(socket()).new_target(900, iqn));
  }
  void let_in(const TargetSpec& spec, const std::string& initiator) override {
    EXPECT_TRUE(TgtControl(socket()).allow_initiator(spec.number, initiator));
  }
  void swap_device(const TargetSpec& spec, const std::string& device) override {
    TgtControl tgt(socket());
    EXPECT_TRUE(tgt.delete_lun(spec.number, kExportLun));
    EXPECT_TRUE(tgt.new_lun(spec.number, kExportLun, device));
    EXPECT_TRUE(
        tgt.update_lun(spec.number, kExportLun, "thin_provisioning=1,scsi_sn=" + spec.serial));
  }
  std::string cannot(const std::string&) const override { return {}; }

 private:
  std::string socket() const { return settings_.tgt.folder + "/control.1"; }
  volume_delegate::TargetSettings settings_;
};

}  // namespace

std::unique_ptr<Rig> make_tgt_rig(volume_delegate::TargetSettings settings) {
  return std::make_unique<TgtRig>(std::move(settings));
}

}  // namespace vbs::conformance
