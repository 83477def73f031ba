#include "tests/conformance/target/rig.h"
#include "volume_delegate/target/lio/configfs.h"

namespace vbs::conformance {
namespace {

/// The kernel's own LIO; other targets of the machine are left alone.
class LioRig final : public Rig {
 public:
  explicit LioRig(volume_delegate::TargetSettings settings) : settings_(std::move(settings)) {}
  ~LioRig() override {
    if (foreign_.empty()) return;
    EXPECT_TRUE(tree_.remove_folder(foreign_ + "/tpgt_1"));
    EXPECT_TRUE(tree_.remove_folder(foreign_));
  }

  volume_delegate::TargetSettings settings() const override { return settings_; }
  Result<std::unique_ptr<Session>> log_in(const Credentials& credentials) override {
    return log_in_by_libiscsi(settings_.lio.portal.str(), credentials);
  }
  bool kill_daemon() override { return false; }
  void add_foreign_target(const std::string& iqn) override {
    foreign_ = "iscsi/" + iqn;
    EXPECT_TRUE(tree_.make_folder(foreign_));
    EXPECT_TRUE(tree_.make_folder(foreign_ + "/tpgt_1"));
  }
  void let_in(const TargetSpec& spec, const std::string& initiator) override {
    const std::string group = "iscsi/" + spec.iqn + "/tpgt_1";
    const std::string acl = group + "/acls/" + initiator;
    EXPECT_TRUE(tree_.make_folder(acl));
    EXPECT_TRUE(tree_.make_folder(acl + "/lun_1"));
    EXPECT_TRUE(tree_.link(acl + "/lun_1/unit", group + "/lun/lun_1"));
    EXPECT_TRUE(tree_.write(acl + "/auth/userid", spec.chap_user));
    EXPECT_TRUE(tree_.write(acl + "/auth/password", spec.chap_secret.reveal()));
  }
  void swap_device(const TargetSpec& spec, const std::string& device) override {
    const std::string mapped =
        "iscsi/" + spec.iqn + "/tpgt_1/acls/" + spec.initiator + "/lun_1/unit";
    const std::string link = "iscsi/" + spec.iqn + "/tpgt_1/lun/lun_1/unit";
    for (const char* folder : {"core/iblock_7260/", "core/fileio_7260/"}) {
      const auto units = tree_.folders(folder);
      for (const auto& unit : units.value_or(std::vector<std::string>{})) {
        if (tree_.read(folder + unit + "/udev_path").value_or("") != device) continue;
        EXPECT_TRUE(tree_.unlink(mapped));
        EXPECT_TRUE(tree_.unlink(link));
        EXPECT_TRUE(tree_.link(link, folder + unit));
        EXPECT_TRUE(tree_.link(mapped, "iscsi/" + spec.iqn + "/tpgt_1/lun/lun_1"));
        return;
      }
    }
    ADD_FAILURE() << "no backstore has " << device;
  }
  std::string cannot(const std::string& ability) const override {
    if (ability == "be killed") return "LIO is part of the kernel, which has no process to kill";
    return {};
  }

 private:
  volume_delegate::TargetSettings settings_;
  volume_delegate::Configfs tree_{"/sys/kernel/config/target"};
  std::string foreign_;
};

}  // namespace

std::unique_ptr<Rig> make_lio_rig(volume_delegate::TargetSettings settings) {
  return std::make_unique<LioRig>(std::move(settings));
}

}  // namespace vbs::conformance
