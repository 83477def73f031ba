#include "vmm_delegate/routes.h"

#include <charconv>

#include "common/http/blocking.h"
#include "common/names.h"
#include "common/text.h"

namespace vbs::vmm_delegate {
namespace {

using http::Method;
using http::Request;
using http::Response;

/// For people only; the status and the body say all that a program needs.
constexpr const char* kNoteHeader = "Vbs-Note";

template <class T>
std::string to_body(const T& value) {
  json::Writer out;
  value.to_json(out);
  return out.take();
}

template <class T>
Response answer(const Result<T>& result) {
  if (!result) return http::problem(result.error());
  return http::json(200, to_body(*result));
}

template <class T>
Result<T> read_body(const Request& request) {
  auto value = json::parse(request.body);
  if (!value) return fail(value.error());
  return T::from_json(*value);
}

Result<Uuid> read_id(const Request& request, std::string_view name) {
  const std::string& text = request.param(name);
  if (const auto id = Uuid::parse(text)) return *id;
  return fail_field(std::string(name), "must be a UUID of 36 characters, got " + quote(text));
}

Result<std::int64_t> read_generation(const Request& request) {
  const std::string_view text = request.query_value("generation").value_or("");
  std::int64_t generation = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), generation);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  if (whole && generation >= 1) return generation;
  return fail_field("generation", "must be a whole number, 1 or more, got " + quote(text));
}

Result<bool> read_force(const Request& request) {
  const auto text = request.query_value("force");
  if (!text || *text == "false") return false;
  if (*text == "true") return true;
  return fail_field("force", "must be true or false, got " + quote(*text));
}

Response get_vms(Services& services) {
  const auto vms = services.node.vms();
  if (!vms) return http::problem(vms.error());
  json::Writer out;
  out.begin_object();
  out.key("vms");
  out.begin_array();
  for (const wire::VmStatus& vm : *vms) vm.to_json(out);
  out.end_array();
  out.end_object();
  return http::json(200, out.take());
}

Response get_vm(Services& services, const Request& request) {
  const std::string& name = request.param("name");
  if (auto good = check_node_name(name, "name"); !good) return http::problem(good.error());
  return answer(services.node.vm(name));
}

/// "vm" and, where the front knows it, "vm_uuid".
Result<MeantVm> read_vm(const Request& request) {
  MeantVm meant{std::string(request.query_value("vm").value_or(""))};
  if (auto good = check_node_name(meant.name, "vm"); !good) return fail(good.error());
  const auto uuid = request.query_value("vm_uuid");
  if (!uuid) return meant;
  meant.uuid = Uuid::parse(*uuid);
  if (meant.uuid) return meant;
  return fail_field("vm_uuid", "must be a UUID of 36 characters, got " + quote(*uuid));
}

Response put_session(Services& services, const Request& request) {
  const auto id = read_id(request, "attachment");
  if (!id) return http::problem(id.error());
  const auto spec = read_body<wire::SessionSpec>(request);
  if (!spec) return http::problem(spec.error());
  return answer(services.sessions.put(*id, *spec));
}

Response get_session(Services& services, const Request& request) {
  const auto id = read_id(request, "attachment");
  if (!id) return http::problem(id.error());
  return answer(services.sessions.get(*id));
}

Response delete_session(Services& services, const Request& request) {
  const auto id = read_id(request, "attachment");
  if (!id) return http::problem(id.error());
  const auto generation = read_generation(request);
  if (!generation) return http::problem(generation.error());
  const auto removed = services.sessions.remove(*id, *generation);
  return removed ? http::no_content() : http::problem(removed.error());
}

Response put_device(Services& services, const Request& request) {
  const auto id = read_id(request, "attachment");
  if (!id) return http::problem(id.error());
  const auto spec = read_body<wire::DeviceSpec>(request);
  if (!spec) return http::problem(spec.error());
  if (auto ok = services.freezes.check_not_held(spec->vm); !ok) return http::problem(ok.error());
  return answer(services.devices.put(*id, *spec));
}

Response get_device(Services& services, const Request& request) {
  const auto id = read_id(request, "attachment");
  if (!id) return http::problem(id.error());
  const std::string vm(request.query_value("vm").value_or(""));
  if (!vm.empty()) {
    if (auto good = check_node_name(vm, "vm"); !good) return http::problem(good.error());
  }
  return answer(services.devices.get(*id, vm));
}

Response delete_device(Services& services, const Request& request) {
  const auto id = read_id(request, "attachment");
  if (!id) return http::problem(id.error());
  const auto vm = read_vm(request);
  if (!vm) return http::problem(vm.error());
  const auto generation = read_generation(request);
  if (!generation) return http::problem(generation.error());
  const auto force = read_force(request);
  if (!force) return http::problem(force.error());
  // Whether it uses the disk, a guest that is held does not tell, nor can it let go.
  if (auto ok = services.freezes.check_not_held(vm->name, *force); !ok) {
    return http::problem(ok.error());
  }
  const auto removal = services.devices.remove(*id, *vm, *generation, *force);
  if (!removal) return http::problem(removal.error());
  Response response = removal->left ? http::json(202, to_body(*removal->left)) : http::no_content();
  if (!removal->note.empty()) response.headers.set(kNoteHeader, removal->note);
  return response;
}

Response put_session_size(Services& services, const Request& request) {
  const auto id = read_id(request, "attachment");
  if (!id) return http::problem(id.error());
  const auto spec = read_body<wire::SessionSizeSpec>(request);
  if (!spec) return http::problem(spec.error());
  return answer(services.sessions.refresh_size(*id, *spec));
}

Response put_device_size(Services& services, const Request& request) {
  const auto id = read_id(request, "attachment");
  if (!id) return http::problem(id.error());
  const auto spec = read_body<wire::DeviceSizeSpec>(request);
  if (!spec) return http::problem(spec.error());
  const auto shown = services.devices.resize(*id, *spec);
  if (!shown) return http::problem(shown.error());
  return *shown ? http::json(200, to_body(**shown)) : http::no_content();
}

Response put_freeze(Services& services, const Request& request) {
  const auto id = read_id(request, "operation");
  if (!id) return http::problem(id.error());
  const auto spec = read_body<wire::FreezeSpec>(request);
  if (!spec) return http::problem(spec.error());
  return answer(services.freezes.put(*id, *spec));
}

Response get_freeze(Services& services, const Request& request) {
  const auto id = read_id(request, "operation");
  if (!id) return http::problem(id.error());
  return answer(services.freezes.get(*id));
}

Response delete_freeze(Services& services, const Request& request) {
  const auto id = read_id(request, "operation");
  if (!id) return http::problem(id.error());
  const auto status = services.freezes.remove(*id);
  if (!status) return http::problem(status.error());
  return *status ? http::json(200, to_body(**status)) : http::no_content();
}

}  // namespace

void add_routes(http::Router& router, const http::Offload& quick, const http::Offload& slow,
                Services services) {
  router.add(Method::get, "/healthz", [](Request, http::Responder respond) {
    respond(http::json(200, R"({"status":"ok"})"));
  });
  const auto add_quick = [&](Method method, std::string pattern, auto handle) {
    router.add(method, std::move(pattern), quick(handle));
  };
  const auto add_slow = [&](Method method, std::string pattern,
                            Response (*handle)(Services&, const Request&)) {
    router.add(method, std::move(pattern), slow([services, handle](const Request& request) mutable {
                 return handle(services, request);
               }));
  };
  add_quick(Method::get, "/v1/node",
            [services](const Request&) { return http::json(200, to_body(services.node.node())); });
  add_slow(Method::get, "/v1/vms", [](Services& s, const Request&) { return get_vms(s); });
  add_slow(Method::get, "/v1/vms/{name}", get_vm);
  add_slow(Method::get, "/v1/inventory",
           [](Services& s, const Request&) { return answer(s.node.inventory()); });
  add_slow(Method::put, "/v1/sessions/{attachment}", put_session);
  add_slow(Method::put, "/v1/sessions/{attachment}/size", put_session_size);
  add_slow(Method::get, "/v1/sessions/{attachment}", get_session);
  add_slow(Method::del, "/v1/sessions/{attachment}", delete_session);
  add_slow(Method::put, "/v1/devices/{attachment}", put_device);
  add_slow(Method::put, "/v1/devices/{attachment}/size", put_device_size);
  add_slow(Method::get, "/v1/devices/{attachment}", get_device);
  add_slow(Method::del, "/v1/devices/{attachment}", delete_device);
  add_slow(Method::put, "/v1/freezes/{operation}", put_freeze);
  add_slow(Method::get, "/v1/freezes/{operation}", get_freeze);
  add_slow(Method::del, "/v1/freezes/{operation}", delete_freeze);
}

}  // namespace vbs::vmm_delegate
