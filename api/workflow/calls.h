#pragma once

#include <optional>
#include <string>

#include "api/workflow/step.h"
#include "common/wire/device.h"
#include "common/wire/export.h"
#include "common/wire/freeze.h"
#include "common/wire/session.h"
#include "common/wire/size.h"
#include "common/wire/snapshot.h"
#include "common/wire/volume.h"

namespace vbs::workflow {

/// The delegate calls that steps are made of, built from the rows alone.

template <class T>
std::string to_body(const T& value) {
  json::Writer out;
  value.to_json(out);
  return out.take();
}

/// Parses a 2xx answer that must be a T; anything else is a defect of the delegate.
template <class T>
Result<T> read_answer(const http::Response& response) {
  auto value = json::parse(response.body, {16 << 20, 16, 5'000'000});
  if (!value) return fail(ErrorCode::internal, "answered with text that is not JSON");
  auto parsed = T::from_json(*value);
  if (!parsed)
    return fail(ErrorCode::internal, "answered something unexpected: " + describe(parsed.error()));
  return parsed;
}

/// judge_by_status, and then `check(T)` must find the answer to be about what was asked; an answer
/// that is not is tried again: nothing is ever recorded from it.
template <class T, class Check>
Verdict judge_answer(const Answer& answer, Check check) {
  Verdict verdict = judge_by_status(answer);
  if (verdict.kind != Verdict::Kind::done && verdict.kind != Verdict::Kind::wait) return verdict;
  auto parsed = read_answer<T>(*answer);
  if (!parsed) return {Verdict::Kind::retry, parsed.error(), {}};
  return check(*parsed, verdict);
}

/// Says of a wait that volume server `node` is at work on bytes, and how far it is.
void tell_progress(Verdict& verdict, const std::string& node, std::string_view what,
                   std::uint64_t done_bytes, std::uint64_t of_bytes);

/// Tries to reach a node before it is done without: a minute, or three where each times out.
inline constexpr int kTriesBeforeDoingWithout = 12;
/// Whether a step that settled nothing has now been tried that often.
inline bool is_last_try(const Facts& facts, const Verdict& verdict,
                        int tries = kTriesBeforeDoingWithout) {
  return verdict.kind == Verdict::Kind::retry && facts.operation.attempt + 1 >= tries;
}

inline Verdict garbage(std::string what) {
  return {Verdict::Kind::retry, {ErrorCode::internal, std::move(what), {}, {}, {}}, {}};
}

api::DelegateCall put_export(const Facts& facts);
api::DelegateCall delete_export(const Facts& facts, bool revoke, bool bury = false);
api::DelegateCall put_session(const Facts& facts);
api::DelegateCall delete_session(const Facts& facts);
api::DelegateCall put_device(const Facts& facts);
api::DelegateCall delete_device(const Facts& facts, bool force);
api::DelegateCall put_export_size(const Facts& facts);
api::DelegateCall put_session_size(const Facts& facts);
api::DelegateCall put_device_size(const Facts& facts);

/// The steps that show a volume to a VM; attach-volume and repair-attachment share them.
Step export_step();
Step log_in_step();
Step block_attach_step();

/// The steps that show a size, the one of the volume's row, on its way from the store to the VM.
/// What cannot be shown now is left to the reconciler: no volume stays locked for it.
Step export_size_step();
Step session_size_step();
Step device_size_step();

}  // namespace vbs::workflow
