"""How an alarm is made: its name, whom it tells, and what missing data means."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions

from infra.metrics import Metrics
from infra.settings import Environment


@dataclass(frozen=True, slots=True)
class Watch:
    """Makes the alarms of a stack. Whoever is told of an alarm is also told when it is over."""

    stack: Stack
    environment: Environment
    metrics: Metrics
    notify: actions.SnsAction

    def above(
        self,
        construct_id: str,
        name: str,
        description: str,
        metric: cloudwatch.IMetric,
        *,
        limit: float = 0,
        periods: int = 1,
        notifies: bool = True,
        few_are_ignored: bool = False,
    ) -> cloudwatch.Alarm:
        """Returns an alarm for a metric that is above the limit for so many periods. Missing data
        is no fault: what nobody calls does not fail. ``few_are_ignored``: a percentile of too few
        calls does not count."""
        alarm = cloudwatch.Alarm(
            self.stack,
            construct_id,
            alarm_name=self.environment.alarm(name),
            alarm_description=description,
            metric=metric,
            threshold=limit,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=periods,
            datapoints_to_alarm=periods,
            evaluate_low_sample_count_percentile="ignore" if few_are_ignored else None,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        if notifies:
            self._tell(alarm)
        return alarm

    def missed(
        self,
        construct_id: str,
        name: str,
        description: str,
        metric: cloudwatch.IMetric,
        *,
        periods: int,
        silence_is_a_fault: bool,
    ) -> None:
        """Makes an alarm for something that has not happened in so many periods."""
        missing = cloudwatch.TreatMissingData
        alarm = cloudwatch.Alarm(
            self.stack,
            construct_id,
            alarm_name=self.environment.alarm(name),
            alarm_description=description,
            metric=metric,
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            evaluation_periods=periods,
            datapoints_to_alarm=periods,
            treat_missing_data=missing.BREACHING if silence_is_a_fault else missing.NOT_BREACHING,
        )
        self._tell(alarm)

    def any_or_all(
        self, construct_id: str, name: str, description: str, rule: cloudwatch.IAlarmRule
    ) -> None:
        """Makes an alarm of other alarms. The emulator has none."""
        if not self.environment.emulator:
            self._tell(
                cloudwatch.CompositeAlarm(
                    self.stack,
                    construct_id,
                    composite_alarm_name=self.environment.alarm(name),
                    alarm_description=description,
                    alarm_rule=rule,
                )
            )

    def _tell(self, alarm: cloudwatch.AlarmBase) -> None:
        alarm.add_alarm_action(self.notify)
        alarm.add_ok_action(self.notify)


def rings(alarm: cloudwatch.IAlarm) -> cloudwatch.IAlarmRule:
    """Returns the rule that the alarm is on, for an alarm of alarms."""
    return cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM)
