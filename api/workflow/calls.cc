#include "api/workflow/calls.h"

#include "common/units.h"

namespace vbs::workflow {

namespace {

std::string path_of(std::string_view collection, const Uuid& id) {
  return "/v1/" + std::string(collection) + "/" + id.str();
}

std::pair<std::string, std::string> generation_of(const Facts& facts) {
  return {"generation", std::to_string(facts.generation())};
}

wire::SessionSpec session_spec(const Facts& facts) {
  const db::Attachment& a = *facts.attachment;
  wire::SessionSpec spec;
  spec.volume = a.volume;
  spec.portal = a.portal;
  spec.iqn = a.iqn;
  spec.lun = a.lun;
  spec.chap_user = a.chap_user;
  spec.chap_secret = facts.chap_secret;
  spec.read_only = a.read_only;
  spec.generation = facts.generation();
  return spec;
}

}  // namespace

void tell_progress(Verdict& verdict, const std::string& node, std::string_view what,
                   std::uint64_t done_bytes, std::uint64_t of_bytes) {
  if (verdict.kind != Verdict::Kind::wait) return;
  verdict.remark = "volume server " + node + " to " + std::string(what) + ": " +
                   format_size(done_bytes) + " of " + format_size(of_bytes);
  verdict.progress = static_cast<std::int64_t>(done_bytes);
}

api::DelegateCall put_export(const Facts& facts) {
  const db::Attachment& a = *facts.attachment;
  wire::ExportSpec spec;
  spec.volume = a.volume;
  spec.initiator = a.initiator;
  spec.chap_user = a.chap_user;
  spec.chap_secret = facts.chap_secret;
  spec.read_only = a.read_only;
  spec.generation = facts.generation();
  return {a.volume_server, http::Method::put, path_of("exports", a.id), {}, to_body(spec)};
}

api::DelegateCall delete_export(const Facts& facts, bool revoke, bool bury) {
  const db::Attachment& a = *facts.attachment;
  api::DelegateCall call{
      a.volume_server, http::Method::del, path_of("exports", a.id), {generation_of(facts)}, ""};
  if (revoke) call.query.emplace_back("revoke", "true");
  if (bury) call.query.emplace_back("bury", "true");
  return call;
}

api::DelegateCall put_session(const Facts& facts) {
  const db::Attachment& a = *facts.attachment;
  return {
      a.vmm_node, http::Method::put, path_of("sessions", a.id), {}, to_body(session_spec(facts))};
}

api::DelegateCall delete_session(const Facts& facts) {
  const db::Attachment& a = *facts.attachment;
  return {a.vmm_node, http::Method::del, path_of("sessions", a.id), {generation_of(facts)}, ""};
}

api::DelegateCall put_device(const Facts& facts) {
  const db::Attachment& a = *facts.attachment;
  const wire::DeviceSpec spec{a.vm, a.device, session_spec(facts), a.vm_uuid};
  api::DelegateCall call{
      a.vmm_node, http::Method::put, path_of("devices", a.id), {}, to_body(spec)};
  call.timeout =
      Milliseconds(20'000);  // the delegate waits for the guest's agent to report the name
  return call;
}

api::DelegateCall delete_device(const Facts& facts, bool force) {
  const db::Attachment& a = *facts.attachment;
  api::DelegateCall call{a.vmm_node,
                         http::Method::del,
                         path_of("devices", a.id),
                         {{"vm", a.vm}, generation_of(facts)},
                         ""};
  if (a.vm_uuid) call.query.emplace_back("vm_uuid", a.vm_uuid->str());
  if (force) call.query.emplace_back("force", "true");
  call.timeout = Milliseconds(20'000);  // the delegate waits for the guest to let go
  return call;
}

api::DelegateCall put_export_size(const Facts& facts) {
  const wire::ExportSizeSpec spec{facts.volume->size_bytes, facts.generation()};
  const db::Attachment& a = *facts.attachment;
  return {
      a.volume_server, http::Method::put, path_of("exports", a.id) + "/size", {}, to_body(spec)};
}

api::DelegateCall put_session_size(const Facts& facts) {
  const wire::SessionSizeSpec spec{facts.volume->size_bytes, session_spec(facts)};
  const db::Attachment& a = *facts.attachment;
  return {a.vmm_node, http::Method::put, path_of("sessions", a.id) + "/size", {}, to_body(spec)};
}

api::DelegateCall put_device_size(const Facts& facts) {
  const db::Attachment& a = *facts.attachment;
  const wire::DeviceSizeSpec spec{facts.volume->size_bytes, a.vm, facts.generation()};
  api::DelegateCall call{
      a.vmm_node, http::Method::put, path_of("devices", a.id) + "/size", {}, to_body(spec)};
  call.timeout = Milliseconds(20'000);  // the VM asks its storage, which may be slow
  return call;
}

Step export_step() {
  Step step{"export", Place::volume_server, {}, {}};
  step.make.call = [](const Facts& f) { return std::optional(put_export(f)); };
  step.make.judge = [](const Facts& f, const Answer& answer) {
    return judge_answer<wire::ExportStatus>(
        answer, [&](const wire::ExportStatus& status, Verdict verdict) {
          const bool ours =
              status.attachment == f.attachment->id && status.volume == f.attachment->volume;
          if (!ours || status.serial != f.attachment->volume.str() || status.iqn.empty()) {
            return garbage("the export answered is not the one that was asked for");
          }
          return verdict;
        });
  };
  step.make.record = [](db::Transaction& tx, const Facts& f, const http::Response& response,
                        WallTime) -> Result<void> {
    auto status = read_answer<wire::ExportStatus>(response);
    if (!status) return fail(status.error());
    db::AttachmentTable(tx.connection())
        .set_export(f.attachment->id, status->iqn, status->portal, status->lun);
    return {};
  };
  // Nobody was shown the device at this point of undoing: whoever is still logged in is shut out.
  step.undo.call = [](const Facts& f) { return std::optional(delete_export(f, true)); };
  return step;
}

Step log_in_step() {
  Step step{"log-in", Place::vmm_node, {}, {}};
  step.make.call = [](const Facts& f) { return std::optional(put_session(f)); };
  step.make.judge = [](const Facts& f, const Answer& answer) {
    return judge_answer<wire::SessionStatus>(
        answer, [&](const wire::SessionStatus& status, Verdict verdict) {
          if (status.serial != f.attachment->volume.str()) {
            return garbage("the login shows a device with the serial of another volume");
          }
          return verdict;
        });
  };
  step.undo.call = [](const Facts& f) { return std::optional(delete_session(f)); };
  return step;
}

Step block_attach_step() {
  Step step{"block-attach", Place::vmm_node, {}, {}};
  step.make.call = [](const Facts& f) { return std::optional(put_device(f)); };
  step.make.judge = [](const Facts& f, const Answer& answer) {
    return judge_answer<wire::DeviceStatus>(answer, [&](const wire::DeviceStatus& status,
                                                        Verdict verdict) {
      if (verdict.kind == Verdict::Kind::wait) return verdict;
      if (status.attachment != f.attachment->id || status.serial != f.attachment->volume.str()) {
        return garbage("the device answered is not the one that was asked for");
      }
      return verdict;
    });
  };
  step.make.record = [](db::Transaction& tx, const Facts& f, const http::Response& response,
                        WallTime) -> Result<void> {
    auto status = read_answer<wire::DeviceStatus>(response);
    if (!status) return fail(status.error());
    db::AttachmentTable(tx.connection())
        .set_device(f.attachment->id, status->serial, status->guest_device);
    return {};
  };
  // Whatever a half-done attach left in the VM goes, mounted or not: it was never handed over.
  step.undo.call = [](const Facts& f) { return std::optional(delete_device(f, true)); };
  return step;
}

}  // namespace vbs::workflow
