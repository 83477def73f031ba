#include "cli/command.h"
#include "cli/verbs.h"

namespace vbs::cli {
namespace {

using Kind = ValueKind;

const ArgumentSpec kVolume{
    "VOLUME", Kind::volume, "id, name, or at least 4 characters of the id", {}};
const ArgumentSpec kSnapshot{
    "SNAPSHOT", Kind::snapshot, "id, name, or at least 4 characters of the id", {}};
const ArgumentSpec kOperation{
    "OPERATION", Kind::operation, "id, or at least 4 characters of it", {}};

OptionSpec flag(std::string name, std::string help) {
  return {std::move(name), Kind::flag, "", std::move(help), false, false, {}};
}

OptionSpec option(std::string name, Kind kind, std::string metavar, std::string help) {
  return {std::move(name), kind, std::move(metavar), std::move(help), false, false, {}};
}

OptionSpec required(OptionSpec spec) {
  spec.required = true;
  return spec;
}

OptionSpec repeatable(OptionSpec spec) {
  spec.repeatable = true;
  return spec;
}

OptionSpec choice(std::string name, std::string metavar, std::string help,
                  std::vector<std::string> choices) {
  return {std::move(name), Kind::choice, std::move(metavar), std::move(help),
          false,           false,        std::move(choices)};
}

/// Options of the verbs that change something and wait for the end of it.
std::vector<OptionSpec> with_wait(std::vector<OptionSpec> options) {
  options.push_back(flag("--no-wait", "print the operation's id and do not wait for its end"));
  options.push_back(option("--timeout", Kind::duration, "TIME",
                           "wait at most so long, e.g. 90s or 5min; the operation goes on"));
  return options;
}

/// Options of the verbs that list what belongs to projects.
std::vector<OptionSpec> with_list(std::vector<OptionSpec> options) {
  options.push_back(option("--limit", Kind::count, "N", "stop after so many"));
  options.push_back(flag("--all-projects", "of every project (administrators)"));
  options.push_back(option("--project", Kind::text, "NAME", "of this project (administrators)"));
  return options;
}

const OptionSpec kTag = repeatable(option("--tag", Kind::tag, "KEY=VALUE", "tag; repeatable"));
const OptionSpec kTagFilter = option("--tag", Kind::tag, "KEY=VALUE", "only with this tag");

std::vector<CommandSpec> volume_commands() {
  const std::string group = "Volumes";
  return {
      {"create-volume",
       group,
       "make a volume, empty or from a snapshot, another volume or an image",
       {},
       with_wait({
           option("--size", Kind::size, "SIZE", "32M, 10G (powers of 1024); default: the source's"),
           option("--name", Kind::text, "NAME", "unique in the project"),
           option("--from-snapshot", Kind::snapshot, "SNAPSHOT", "start with its content"),
           option("--from-volume", Kind::volume, "VOLUME", "start as its copy"),
           option("--image", Kind::image, "IMAGE", "start with its content; id or name"),
           kTag,
           option("--volume-server", Kind::text, "NODE", "where to put it; default: by free space"),
       }),
       create_volume},
      {"modify-volume",
       group,
       "make a volume larger, also while VMs use it",
       {kVolume},
       with_wait({required(
           option("--size", Kind::growth, "SIZE", "20G for 20 GiB in all, +10G for 10 GiB more"))}),
       modify_volume},
      {"delete-volume",
       group,
       "delete a volume and its content",
       {kVolume},
       with_wait({}),
       delete_volume},
      {"describe-volumes",
       group,
       "list volumes",
       {},
       with_list({
           option("--name", Kind::text, "NAME", "only the one of this name"),
           choice("--state", "STATE", "only those that rest in this state",
                  {"available", "in-use", "error"}),
           kTagFilter,
           option("--node", Kind::text, "NODE", "only on this volume server"),
           option("--vm", Kind::text, "VM", "only attached to this VM"),
       }),
       describe_volumes},
      {"describe-volume", group, "show one volume", {kVolume}, {}, describe_volume},
  };
}

std::vector<CommandSpec> snapshot_commands() {
  const std::string group = "Snapshots";
  return {
      {"create-snapshot",
       group,
       "make a point-in-time image of a volume",
       {kVolume},
       with_wait({option("--name", Kind::text, "NAME", "unique in the project"), kTag}),
       create_snapshot},
      {"delete-snapshot", group, "delete a snapshot", {kSnapshot}, with_wait({}), delete_snapshot},
      {"describe-snapshots",
       group,
       "list snapshots",
       {},
       with_list({
           option("--name", Kind::text, "NAME", "only the one of this name"),
           choice("--state", "STATE", "only those that rest in this state", {"available", "error"}),
           option("--volume", Kind::volume, "VOLUME", "only of this volume"),
           kTagFilter,
           option("--node", Kind::text, "NODE", "only on this volume server"),
       }),
       describe_snapshots},
      {"describe-snapshot", group, "show one snapshot", {kSnapshot}, {}, describe_snapshot},
  };
}

std::vector<CommandSpec> attachment_commands() {
  const std::string group = "Attachments";
  return {
      {"attach-volume",
       group,
       "show a volume to a VM as a disk",
       {kVolume},
       with_wait({
           required(option("--vm", Kind::text, "VM", "the VM's name")),
           option("--node", Kind::text, "NODE",
                  "its node, where the name is not unique, or a node is down"),
           option("--device", Kind::text, "DEVICE", "e.g. /dev/sdb; default: the first free one"),
           flag("--read-only", "the VM may only read; several such attachments may exist"),
       }),
       attach_volume},
      {"detach-volume",
       group,
       "take a volume away from a VM",
       {kVolume},
       with_wait({
           option("--vm", Kind::text, "VM", "which VM, where the volume is attached to several"),
           option("--node", Kind::text, "NODE", "its node, where the VM's name is not unique"),
           flag("--force", "also while the guest uses it: what it has not written is lost"),
       }),
       detach_volume},
  };
}

std::vector<CommandSpec> operation_commands() {
  const std::string group = "Operations";
  return {
      {"describe-operations",
       group,
       "list operations, the newest first",
       {},
       with_list({
           flag("--live", "only those that have not ended"),
           choice("--kind", "KIND", "only of this kind",
                  {"create-volume", "modify-volume", "delete-volume", "create-snapshot",
                   "delete-snapshot", "attach-volume", "detach-volume", "repair-attachment",
                   "remove-leftover"}),
           choice("--state", "STATE", "only in this state",
                  {"running", "undoing", "succeeded", "failed", "cancelled"}),
           option("--resource", Kind::volume, "RESOURCE",
                  "only about this volume or snapshot, or the attachment with this id"),
       }),
       describe_operations},
      {"describe-operation",
       group,
       "show one operation, what it waits for, and its events",
       {kOperation},
       {},
       describe_operation},
      {"cancel-operation",
       group,
       "undo an operation that has not passed its point of no return",
       {kOperation},
       with_wait({}),
       cancel_operation},
  };
}

std::vector<CommandSpec> service_commands() {
  const std::string group = "Service";
  return {
      {"describe-nodes", group, "list volume servers and VMM nodes", {}, {}, describe_nodes},
      {"describe-images",
       group,
       "list the images that volumes can be made from",
       {},
       {},
       describe_images},
      {"describe-vms", group, "list the VMs that volumes can be attached to", {}, {}, describe_vms},
      {"audit", group, "where the service's records and the nodes disagree", {}, {}, show_audit},
      {"describe-audit-records",
       group,
       "who changed what, the oldest first",
       {},
       {option("--limit", Kind::count, "N", "stop after so many"),
        option("--after", Kind::text, "NUMBER", "only what came behind this record")},
       describe_audit_records},
      {"usage", group, "what the project uses of its quota", {}, {}, show_usage},
      {"version", group, "versions of this program and of the service", {}, {}, show_version},
      {"completion",
       group,
       "print a completion script for a shell",
       {{"SHELL", Kind::choice, "bash or zsh", {"bash", "zsh"}}},
       {},
       print_completion,
       false},
  };
}

}  // namespace

const std::vector<CommandSpec>& command_table() {
  static const std::vector<CommandSpec> table = [] {
    std::vector<CommandSpec> all;
    for (auto* group : {volume_commands, snapshot_commands, attachment_commands, operation_commands,
                        service_commands}) {
      for (auto& spec : group()) all.push_back(std::move(spec));
    }
    return all;
  }();
  return table;
}

const std::vector<OptionSpec>& common_options() {
  static const std::vector<OptionSpec> options{
      option("--url", Kind::text, "URL", "the service; default http://127.0.0.1:7700"),
      option("--token-file", Kind::file, "FILE", "read the access token from FILE"),
      option("--ca", Kind::file, "FILE", "believe the CAs in FILE only, for https"),
      option("--certificate", Kind::file, "FILE", "show this certificate, for https"),
      option("--key", Kind::file, "FILE", "key of the certificate"),
      choice("--output", "FORMAT", "table (default) or json", {"table", "json"}),
      flag("-q,--quiet", "print ids alone, and no progress"),
  };
  return options;
}

}  // namespace vbs::cli
