#include "vmm_delegate/initiator/iscsi_login.h"

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include <memory>

#include "vmm_delegate/initiator/iscsi_connection.h"
#include "vmm_delegate/initiator/scsi_serial.h"

namespace vbs::vmm_delegate {
namespace {

constexpr int kInquiryBytes = 255;
constexpr int kUnitNotSupported = 0x2500;  ///< ASC and ASCQ

struct Inquiry : IscsiCompletion {
  std::string page;
  int sense = 0;
};

void take_inquiry(iscsi_context*, int status, void* data, void* inquiry) {
  auto* target = static_cast<Inquiry*>(inquiry);
  target->done = true;
  target->status = status;
  const auto* task = static_cast<const scsi_task*>(data);
  if (task == nullptr) return;
  target->sense = task->sense.ascq;
  if (status == SCSI_STATUS_GOOD && task->datain.size > 0) {
    target->page.assign(reinterpret_cast<const char*>(task->datain.data),
                        static_cast<std::size_t>(task->datain.size));
  }
}

bool unit_is_missing(const Inquiry& inquiry) {
  if (inquiry.sense == kUnitNotSupported) return true;
  // Peripheral qualifier: anything but "connected".
  return !inquiry.page.empty() && (static_cast<unsigned char>(inquiry.page[0]) >> 5) != 0;
}

Error about(const std::string& portal, Error error) {
  switch (error.code) {
    case ErrorCode::node_unavailable:
      error.message = "portal " + portal + " cannot be used: " + error.message;
      break;
    case ErrorCode::forbidden:
      error.message =
          "portal " + portal + " refuses the CHAP user or secret: " + error.message +
          "; somebody changed the account there, so attach again, which makes a new one";
      break;
    case ErrorCode::not_found:
      error.message =
          "portal " + portal + " has no such target for this initiator: " + error.message;
      break;
    default:
      break;
  }
  return error;
}

struct Listing : IscsiCompletion {
  std::string wanted;
  bool found = false;
};

void take_listing(iscsi_context*, int status, void* data, void* listing) {
  auto* target = static_cast<Listing*>(listing);
  target->done = true;
  target->status = status;
  if (status != SCSI_STATUS_GOOD) return;
  const auto* entry = static_cast<const iscsi_discovery_address*>(data);
  for (; entry != nullptr; entry = entry->next) {
    if (target->wanted == entry->target_name) target->found = true;
  }
}

}  // namespace

Result<std::string> read_serial(const std::string& initiator, const wire::SessionSpec& session,
                                Milliseconds limit) {
  // Both outlive the connection, which may call back while it goes.
  std::unique_ptr<scsi_task, void (*)(scsi_task*)> task(nullptr, ::scsi_free_scsi_task);
  Inquiry inquiry;
  IscsiConnection connection(initiator, session.iqn, SystemClock().monotonic() + limit);
  if (auto done = connection.connect(session.portal); !done) {
    return fail(about(session.portal, done.error()));
  }
  ::iscsi_set_initiator_username_pwd(connection.context(), session.chap_user.c_str(),
                                     session.chap_secret.reveal().c_str());
  if (auto done = connection.log_in(); !done) return fail(about(session.portal, done.error()));
  task.reset(::iscsi_inquiry_task(connection.context(), static_cast<int>(session.lun), 1,
                                  kSerialPage, kInquiryBytes, take_inquiry, &inquiry));
  if (task == nullptr) return fail(ErrorCode::internal, "libiscsi: " + connection.last_error());
  if (auto done = connection.run(inquiry); !done) return fail(about(session.portal, done.error()));
  connection.log_out();
  if (unit_is_missing(inquiry)) {
    return fail(ErrorCode::not_found,
                "target " + session.iqn + " has no logical unit " + std::to_string(session.lun));
  }
  if (inquiry.status != SCSI_STATUS_GOOD) {
    return fail(ErrorCode::node_unavailable,
                "target " + session.iqn + " does not tell its serial number");
  }
  return serial_of_page(inquiry.page);
}

Result<void> probe_target(const std::string& initiator, const std::string& portal,
                          const std::string& target, Milliseconds limit) {
  Listing listing;
  listing.wanted = target;
  IscsiConnection connection(initiator, "", SystemClock().monotonic() + limit);
  if (auto done = connection.connect(portal); !done) return fail(about(portal, done.error()));
  if (auto done = connection.log_in(); !done) {
    const ErrorCode code = done.error().code;
    if (code == ErrorCode::forbidden || code == ErrorCode::not_found) return {};
    return fail(about(portal, done.error()));
  }
  if (::iscsi_discovery_async(connection.context(), take_listing, &listing) != 0) {
    return fail(ErrorCode::internal, "libiscsi: " + connection.last_error());
  }
  if (auto done = connection.run(listing); !done) return fail(about(portal, done.error()));
  connection.log_out();
  if (listing.found) return {};
  return fail(ErrorCode::node_unavailable, "portal " + portal + " does not serve the target now");
}

}  // namespace vbs::vmm_delegate
