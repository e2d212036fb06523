#include "cli/retry_receive.h"

#include <CLI/CLI.hpp>
#include <filesystem>

#include "app/state_dir.h"
#include "cli/exit_status.h"
#include "cli/place_options.h"

namespace taubenpost::cli {
namespace {

struct Place {
  std::string folder;
  PlaceOptions options;
};

Result<Place> place_for(const ReceiveJobRow& job, const RetryPlaceArgs& args) {
  Place place{job.folder, placing_of(job)};
  PlaceArgs given;
  if (!args.if_exists.empty()) {
    given.if_exists = args.if_exists;
    place.options.if_exists = given.options().if_exists;
  }
  if (!args.into.empty()) {
    given.into = args.into;
    Result<std::string> folder = given.folder();
    if (!folder) return folder.error();
    place.folder = std::move(folder).value();
  }
  if (!args.output.empty()) {
    place.options.target = absolute_path(args.output);
    place.folder = std::filesystem::path(place.options.target).parent_path();
    if (place.options.if_exists != IfExists::kReplace) place.options.if_exists = IfExists::kFail;
    TP_TRY(can_be_target(place.options.target, place.options.if_exists));
  } else if (!args.into.empty() || place.options.if_exists == IfExists::kRename) {
    place.options.target.clear();
  }
  return place;
}

}  // namespace

void add_retry_place_options(CLI::App& command, RetryPlaceArgs& args) {
  CLI::Option* into =
      command.add_option("--into", args.into, "of a receive job: the folder where it is placed")
          ->check(names_something())
          ->type_name("DIR");
  command.add_option("--if-exists", args.if_exists, "of a receive job: where its name is taken")
      ->check(CLI::IsMember({"rename", "fail", "replace"}))
      ->type_name("rename|fail|replace");
  command.add_option("-o,--output", args.output, "of a receive job: the file that it becomes")
      ->check(names_something())
      ->excludes(into)
      ->type_name("FILE");
}

Result<int> retry_receive(Context& context, const ReceiveView& job, const RetryPlaceArgs& args) {
  const Result<Session*> session = context.session();
  if (!session) return session.error();
  TP_TRY(may_receive_again(job.row));
  if (!job.has_ended() && args.is_empty())
    return error(Errc::kNothingToDo, "job " + to_base32(job.row.id) + " has not failed",
                 "'taubenpost receive' goes on with it");
  const Result<Place> place = place_for(job.row, args);
  if (!place) return place.error();
  const Result<Unit> changed = (*session)->run(
      receive_elsewhere((*session)->ports(), job.row, place->folder, place->options));
  if (!changed) return changed.error();
  Result<ReceiveJobRow> now = (*session)->store().receive_job(job.row.id);
  if (!now) return now.error();
  print(context.out(), view_of(std::move(now).value()));
  return kDone;
}

}  // namespace taubenpost::cli
