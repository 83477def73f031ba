#include "tests/conformance/initiator/targets.h"

#include <filesystem>

namespace vbs::conformance {

Targets::Targets(std::string initiator) : initiator_(std::move(initiator)) {
  start();
}

void Targets::start() {
  tgtd_ = std::make_unique<test::TestTgtd>(dir_.path(), portal_);
  for (const Export& one : exports_) {
    tgtd_->serve(one.number, one.volume, one.initiator, one.iqn);
  }
}

wire::SessionSpec Targets::add(const Uuid& volume, const std::string& initiator,
                               const std::string& iqn) {
  const auto number = static_cast<unsigned>(exports_.size() + 1);
  exports_.push_back({number, volume, initiator, iqn});
  return tgtd_->serve(number, volume, initiator, iqn);
}

wire::SessionSpec Targets::serve(const Uuid& attachment, const Uuid& volume) {
  return add(volume, initiator_, "iqn.2026-01.vbs:" + attachment.str());
}

wire::SessionSpec Targets::serve_stranger(const Uuid& attachment, const Uuid& volume) {
  return add(volume, "iqn.2026-01.vbs:node-of-another", "iqn.2026-01.vbs:" + attachment.str());
}

wire::SessionSpec Targets::serve_foreign(const std::string& iqn) {
  return add(test::test_id(900), "iqn.2026-01.org.example:admin", iqn);
}

unsigned Targets::number_of(const wire::SessionSpec& spec) const {
  for (const Export& one : exports_) {
    if (one.iqn == spec.iqn) return one.number;
  }
  return 0;
}

std::string Targets::image_of(const wire::SessionSpec& spec) const {
  return dir_.path(exports_.at(number_of(spec) - 1).volume.str());
}

bool Targets::update(unsigned number, const std::string& parameters) const {
  return tgtd_->admin({"--mode", "logicalunit", "--op", "update", "--tid", std::to_string(number),
                       "--lun", "1", "--params", parameters});
}

void Targets::swap_volume(const wire::SessionSpec& spec, const Uuid& volume) {
  EXPECT_TRUE(update(number_of(spec), "scsi_sn=" + volume.str()));
}

void Targets::empty(const wire::SessionSpec& spec) {
  EXPECT_TRUE(tgtd_->drop_unit(number_of(spec)));
}

void Targets::grow(const wire::SessionSpec& spec, std::uintmax_t size_bytes) {
  const std::string image = image_of(spec);
  std::filesystem::resize_file(image, size_bytes);
  const std::string tid = std::to_string(number_of(spec));
  EXPECT_TRUE(tgtd_->drop_unit(number_of(spec)));
  EXPECT_TRUE(tgtd_->admin({"--mode", "logicalunit", "--op", "new", "--tid", tid, "--lun", "1",
                            "-b", image, "--bstype", "rdwr"}));
  EXPECT_TRUE(update(number_of(spec), "scsi_sn=" + spec.volume.str()));
}

void Targets::make_read_only(const wire::SessionSpec& spec) {
  EXPECT_TRUE(tgtd_->make_read_only(number_of(spec)));
}

std::string Targets::bytes_of(const wire::SessionSpec& spec, std::size_t count) const {
  return test::slurp(image_of(spec)).substr(0, count);
}

}  // namespace vbs::conformance
