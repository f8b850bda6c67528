"""The seventh migration: columns that tell apart what cannot be compared, and a view of means over seeds."""

from vaehub.store.comments import COMMENTS_OF_SUMMARIES

_CHANGES = """
    -- Values that cannot be compared are told apart by columns, and summed up over seeds in a view.
    alter table trainings add column likelihood varchar;
    alter table trainings add column epochs bigint;
    alter table trainings add column steps bigint;
    alter table trainings add column setting varchar;       -- digest of the recipe without its seed and places of files
    alter table measurements add column likelihood varchar; -- of a recipe, as the next two; of a training, it has them
    alter table measurements add column epochs bigint;
    alter table measurements add column steps bigint;
    alter table measurements add column split varchar;
    alter table measurements add column setting varchar;    -- digest of the request without seeds and trainings
    alter table measured_values add column unit varchar;
    update trainings set
        -- A model that was handed over says it in how it is read.
        likelihood = coalesce(
            recipe ->> '$.model.params.likelihood', recipe ->> '$.model.params.reading.likelihood'
        ),
        epochs = case
            when (recipe ->> '$.train.params.steps') is null then try_cast(recipe ->> '$.train.params.epochs' as bigint)
        end,
        steps = try_cast(recipe ->> '$.train.params.steps' as bigint),
        setting = md5(json_merge_patch(
            recipe,
            '{
                "seed": null, "model": {"incidental": null}, "network": {"incidental": null},
                "dataset": {"incidental": null}
            }'
        )::varchar);
    update measurements set
        likelihood = (subject ->> '$.recipe.model.params.likelihood'),
        epochs = case
            when (subject ->> '$.recipe.train.params.steps') is null
            then try_cast(subject ->> '$.recipe.train.params.epochs' as bigint)
        end,
        steps = try_cast(subject ->> '$.recipe.train.params.steps' as bigint),
        split = (params ->> '$.split'),
        setting = md5(json_merge_patch(
            request, '{"seed": null, "subject": {"training": null, "pair": null, "recipe": {"seed": null}}}'
        )::varchar);
    update measured_values set unit = 'nats'
    where (
        name in ('elbo', 'reconstruction', 'kl')
        and measurement in (select id from measurements where metric = 'elbo')
    ) or (
        name in ('rate', 'distortion', 'elbo', 'mutual_information', 'mutual_information_se', 'marginal_kl', 'log_n')
        and measurement in (select id from measurements where metric = 'rate_distortion')
    );

    drop view study_results;
    drop view results;
    create view results as
    select
        s.study,
        coalesce(t.model, m.model) as model,
        coalesce(t.network, m.network) as network,
        coalesce(t.dataset, m.dataset) as dataset,
        coalesce(t.seed, m.seed) as seed,
        t.latent_dim,
        coalesce(t.beta, m.beta) as beta,
        coalesce(t.likelihood, m.likelihood) as likelihood,
        coalesce(t.epochs, m.epochs) as epochs,
        coalesce(t.steps, m.steps) as steps,
        m.metric,
        m.split,
        v.name,
        v.index_name,
        v.index,
        v.label,
        v.keys,
        v.value,
        v.unit,
        m.params,
        coalesce(t.recipe, m.recipe) as recipe,
        m.training,
        m.other,
        m.id as measurement
    from measured_values as v
    join measurements as m on m.id = v.measurement
    left join trainings as t on t.id = m.training
    left join (
        select measurement, string_agg(distinct study, ', ' order by study) as study from cells group by measurement
    ) as s on s.measurement = m.id
    where m.status = 'done';

    create view study_results as
    select c.study, c.scale, c.cell, c.settings, r.* exclude (study)
    from cells as c
    join results as r on r.measurement = c.measurement;

    create view summary as
    -- A training that was measured with several seeds counts once, by their mean.
    with by_training as (
        select
            coalesce(t.model, m.model) as model,
            coalesce(t.network, m.network) as network,
            coalesce(t.dataset, m.dataset) as dataset,
            t.latent_dim,
            coalesce(t.beta, m.beta) as beta,
            coalesce(t.likelihood, m.likelihood) as likelihood,
            coalesce(t.epochs, m.epochs) as epochs,
            coalesce(t.steps, m.steps) as steps,
            m.metric,
            m.split,
            v.name,
            v.index_name,
            v.index,
            min(v.label) as first_label,
            max(v.label) as last_label,
            v.keys,
            avg(v.value) as value,
            max(v.unit) as unit,
            m.params,
            m.setting || coalesce(t.setting, '') || coalesce(o.setting, '') as setting,
            coalesce(m.training, m.id) as measured,
            m.other
        from measured_values as v
        join measurements as m on m.id = v.measurement
        left join trainings as t on t.id = m.training
        left join trainings as o on o.id = m.other
        where m.status = 'done'
        group by all
    )
    select
        model,
        network,
        dataset,
        latent_dim,
        beta,
        likelihood,
        epochs,
        steps,
        metric,
        split,
        name,
        index_name,
        index,
        case when min(first_label) = max(last_label) then min(first_label) end as label,
        keys,
        avg(value) as mean,
        -- The deviation of what is infinite, or whose square is, would be an error of the whole query.
        case
            when count(*) = 1 then null
            when bool_and(abs(value) < 1e150) then stddev_samp(case when abs(value) < 1e150 then value end)
            else 'nan'::double
        end as sd,
        count(*) as n,
        max(unit) as unit,
        params,
        setting
    from by_training
    group by all;

    -- In double precision, of vectors whose norm is 1 only up to the rounding of single precision.
    create or replace macro cka(a, b) as
        case
            when a.space <> b.space then null
            -- NaN is greater than all numbers here, so that least() would make 1 of it.
            when isnan(list_inner_product(a.vector::double[], b.vector::double[]))
                or list_inner_product(a.vector::double[], a.vector::double[]) = 0
                or list_inner_product(b.vector::double[], b.vector::double[]) = 0 then 'nan'::double
            else least(
                list_inner_product(a.vector::double[], b.vector::double[])
                / sqrt(list_inner_product(a.vector::double[], a.vector::double[]))
                / sqrt(list_inner_product(b.vector::double[], b.vector::double[])),
                1
            )
        end;
    """

SUMMARIES = _CHANGES + COMMENTS_OF_SUMMARIES
"""The statements, which are never edited."""
