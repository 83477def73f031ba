// The part of LioTarget that says what is served.

#include <utility>

#include "volume_delegate/target/lio/lio_target.h"
#include "volume_delegate/target/outcome.h"

namespace vbs::volume_delegate {
namespace {

/// What follows `word` up to the next white space; "" where the word is missing.
std::string word_after(const std::string& text, std::string_view word) {
  const auto at = text.find(word);
  if (at == std::string::npos) return {};
  const auto begin = at + word.size();
  return text.substr(begin, text.find_first_of(" \n", begin) - begin);
}

bool is_credential(const Result<std::string>& value) {
  return value && !value->empty() && !value->starts_with("NULL");
}

}  // namespace

/// What the initiators of one target may do, gathered over all of them.
struct LioTarget::Access {
  bool all_mapped = true;     ///< each sees the export's LUN and nothing else
  bool all_protected = true;  ///< none may write
};

Result<std::vector<TargetSession>> parse_lio_sessions(const std::string& text) {
  if (text.starts_with("No active iSCSI Session")) return std::vector<TargetSession>();
  const std::string initiator = word_after(text, "InitiatorName: ");
  if (initiator.empty()) {
    return fail(ErrorCode::internal,
                "LIO's report of a session is not understood: \"" + text.substr(0, 80) + "\"");
  }
  return std::vector<TargetSession>{{initiator, word_after(text, "Address ")}};
}

Result<bool> LioTarget::is_open() {
  const auto enabled = tree_.read(group_ + "/enable");
  if (!enabled) return fail(enabled.error());
  const auto portals = folders(group_ + "/np");
  if (!portals) return fail(portals.error());
  return *enabled == "1" && *portals == std::vector<std::string>{portal_};
}

Result<void> LioTarget::look_at_initiator(const std::string& name, TargetView& view,
                                          Access& access) {
  const std::string acl = group_ + "/acls/" + name;
  const auto info = tree_.read(acl + "/info");
  if (!info) return fail(info.error());
  const auto sessions = parse_lio_sessions(*info);
  if (!sessions) return fail(sessions.error());
  view.sessions.insert(view.sessions.end(), sessions->begin(), sessions->end());

  const auto user = tree_.read(acl + "/auth/userid");
  if (is_credential(user) && is_credential(tree_.read(acl + "/auth/password"))) {
    view.accounts.push_back(*user);
    view.allowed.push_back(name);
  }
  const auto groups = folders(acl);
  if (!groups) return fail(groups.error());
  for (const auto& group : *groups) {
    if (group.starts_with("lun_") && group != kLioUnit) access.all_mapped = false;
  }
  const auto links = tree_.links(acl + "/" + kLioUnit);
  if (!links || links->empty()) access.all_mapped = false;
  const auto is_protected = tree_.read(acl + "/" + kLioUnit + "/write_protect");
  if (!is_protected || *is_protected != "1") access.all_protected = false;
  return {};
}

Result<void> LioTarget::look_at_access(TargetView& view, Access& access) {
  const auto names = folders(group_ + "/acls");
  if (!names) return fail(names.error());
  for (const auto& name : *names) {
    auto looked = absent_is_fine(look_at_initiator(name, view, access));
    if (!looked) return looked;
  }
  access.all_protected = access.all_protected && !names->empty();
  const auto open = is_open();
  if (!open) return fail(open.error());
  if (!*open) view.allowed.clear();
  const auto anybody = tree_.read(group_ + "/attrib/generate_node_acls");
  if (!anybody || *anybody != "0") view.allowed.emplace_back("(any initiator)");
  const auto proof = tree_.read(group_ + "/attrib/authentication");
  if (!proof || *proof != "1") view.accounts.emplace_back("(no proof needed)");
  return {};
}

Result<TargetView> LioTarget::view() {
  TargetView view;
  view.iqn = iqn_;
  Access access;
  // Where something goes while it is looked at, the target is half-made.
  if (auto ok = look_at_access(view, access); !ok) {
    if (ok.error().code == ErrorCode::not_found) {
      TargetView half_made;
      half_made.iqn = iqn_;
      return half_made;
    }
    return fail(ok.error());
  }
  const auto luns = folders(group_ + "/lun");
  if (!luns) return fail(luns.error());
  const std::string lun = group_ + "/lun/" + kLioUnit;
  const auto links = tree_.links(lun);
  if (luns->empty()) return view;
  view.device = "(not as made here)";
  if (luns->size() != 1 || luns->front() != kLioUnit || !links || links->size() != 1) return view;
  const auto path = tree_.link_target(lun + "/" + links->front());
  if (!path || !access.all_mapped) return view;
  const auto unit = backstores_.look(*path);
  if (!unit || !unit->ours) return view;
  view.device = unit->device;
  view.serial = unit->serial;
  view.size_bytes = unit->size_bytes;
  view.read_only = access.all_protected;
  return view;
}

}  // namespace vbs::volume_delegate
