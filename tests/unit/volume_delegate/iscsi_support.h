#pragma once

extern "C" {
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
}

#include <memory>
#include <string>
#include <vector>

#include "common/error.h"

namespace vbs::volume_delegate::testing {

/// An initiator in this process (libiscsi), logged in to LUN 1 of one target.
class Initiator {
 public:
  struct Login {
    std::string portal;
    std::string iqn;
    std::string initiator = "iqn.2026-01.host:1";
    std::string user = "user1";
    std::string secret = "secretsecret12";
  };
  static constexpr std::uint32_t kBlock = 512;

  /// `forbidden` with libiscsi's text when the target does not let it in.
  static Result<std::unique_ptr<Initiator>> log_in(const Login& login, bool reconnect = false) {
    std::unique_ptr<Initiator> self(new Initiator);
    self->context_.reset(iscsi_create_context(login.initiator.c_str()));
    iscsi_context* context = self->context_.get();
    iscsi_set_session_type(context, ISCSI_SESSION_NORMAL);
    iscsi_set_targetname(context, login.iqn.c_str());
    if (!login.user.empty()) {
      iscsi_set_initiator_username_pwd(context, login.user.c_str(), login.secret.c_str());
    }
    iscsi_set_noautoreconnect(context, reconnect ? 0 : 1);
    iscsi_set_timeout(context, reconnect ? 0 : 10);
    if (iscsi_full_connect_sync(context, login.portal.c_str(), kLun) != 0) return self->error();
    return self;
  }

  ~Initiator() {
    if (iscsi_is_logged_in(context_.get())) iscsi_logout_sync(context_.get());
  }

  Result<void> log_out() {
    return iscsi_logout_sync(context_.get()) == 0 ? Result<void>() : error();
  }

  /// Unit serial number, page 0x80 of INQUIRY.
  Result<std::string> serial() {
    return inquire<scsi_inquiry_unit_serial_number>(
        SCSI_INQUIRY_PAGECODE_UNIT_SERIAL_NUMBER,
        [](const auto& page) { return std::string(page.usn); });
  }

  /// Every designator of page 0x83, as bytes.
  Result<std::vector<std::string>> designators() {
    return inquire<scsi_inquiry_device_identification>(
        SCSI_INQUIRY_PAGECODE_DEVICE_IDENTIFICATION, [](const auto& page) {
          std::vector<std::string> out;
          for (auto* d = page.designators; d != nullptr; d = d->next) {
            out.emplace_back(d->designator, static_cast<std::size_t>(d->designator_length));
          }
          return out;
        });
  }

  Result<void> write(std::uint64_t block, std::string bytes) {
    auto* data = reinterpret_cast<unsigned char*>(bytes.data());
    return check(iscsi_write16_sync(context_.get(), kLun, block, data,
                                    static_cast<std::uint32_t>(bytes.size()), kBlock, 0, 0, 0, 0,
                                    0));
  }

  Result<std::string> read(std::uint64_t block, std::uint32_t size) {
    const Task task(iscsi_read16_sync(context_.get(), kLun, block, size, kBlock, 0, 0, 0, 0, 0));
    if (!task || task->status != SCSI_STATUS_GOOD) return error();
    return std::string(reinterpret_cast<const char*>(task->datain.data),
                       static_cast<std::size_t>(task->datain.size));
  }

  Result<void> synchronize() {
    return check(iscsi_synchronizecache16_sync(context_.get(), kLun, 0, 0, 0, 0));
  }

  Result<void> unmap(std::uint64_t block, std::uint32_t blocks) {
    unmap_list range{block, blocks};
    return check(iscsi_unmap_sync(context_.get(), kLun, 0, 0, &range, 1));
  }

  Result<std::uint64_t> capacity() {
    const Task task(iscsi_readcapacity16_sync(context_.get(), kLun));
    if (!task || task->status != SCSI_STATUS_GOOD) return error();
    const auto* answer = static_cast<scsi_readcapacity16*>(scsi_datain_unmarshall(task.get()));
    return (answer->returned_lba + 1) * answer->block_length;
  }

 private:
  static constexpr int kLun = 1;
  struct Free {
    void operator()(iscsi_context* context) const { iscsi_destroy_context(context); }
    void operator()(scsi_task* task) const { scsi_free_scsi_task(task); }
  };
  using Task = std::unique_ptr<scsi_task, Free>;

  Initiator() = default;
  tl::unexpected<Error> error() {
    return fail(ErrorCode::forbidden, iscsi_get_error(context_.get()));
  }
  Result<void> check(scsi_task* raw) {
    const Task task(raw);
    if (task && task->status == SCSI_STATUS_GOOD) return {};
    return error();
  }
  template <class Page, class Read>
  auto inquire(int code, Read read) -> Result<decltype(read(std::declval<const Page&>()))> {
    const Task task(iscsi_inquiry_sync(context_.get(), kLun, 1, code, 255));
    if (!task || task->status != SCSI_STATUS_GOOD) return error();
    const auto* page = static_cast<Page*>(scsi_datain_unmarshall(task.get()));
    if (page == nullptr)
      return fail(ErrorCode::internal, "an INQUIRY page that libiscsi cannot read");
    return read(*page);
  }

  std::unique_ptr<iscsi_context, Free> context_;
};

}  // namespace vbs::volume_delegate::testing
