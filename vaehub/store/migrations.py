"""The migrations, of which the schema is made. A released migration is never edited; a change is a new one.

Twice the second one was, before a test held them: its view of results, which the fourth therefore makes again, and the
line that keeps as cells which study asked for the measurements of a store of the first schema. That line stays: it
decides rows of such stores alone, and without it they would be lost.

Times are in UTC and carry no zone: DuckDB needs one more package to hand zoned times to Python.
"""

from vaehub.store.comments import COMMENTS
from vaehub.store.summaries import SUMMARIES

MIGRATIONS: tuple[str, ...] = (
    """
    create table provenance (
        id varchar primary key,
        vaehub varchar not null,
        plugins json not null,          -- distribution -> version
        python varchar not null,
        torch varchar not null,
        platform varchar not null,
        git_commit varchar,             -- of the folder that the process was started in
        command_line varchar not null,
        started timestamp not null
    );

    create table trainings (
        id varchar primary key,
        model varchar not null,
        network varchar not null,
        dataset varchar not null,
        seed bigint not null,
        latent_dim bigint not null,
        recipe json not null,           -- all that decides the weights
        status varchar not null check (status in ('done', 'failed')),
        error varchar,
        notes json not null,            -- what a reader must know, a phrase each
        started timestamp not null,
        seconds double not null,
        device varchar not null,
        weights varchar,                -- file below arrays/
        provenance varchar not null
    );

    create table epochs (
        training varchar not null,
        epoch bigint not null,          -- counted from 0
        part varchar not null,          -- train, validation
        name varchar not null,          -- total, reconstruction, kl ...
        value double not null           -- mean over the observations of the part
    );

    create table measurements (
        id varchar primary key,
        study varchar,                  -- the study that asked for it; null for a single run
        metric varchar not null,
        params json not null,
        seed bigint not null,
        subject json not null,          -- {"training": id}, {"dataset": ...}, {"pair": [id, id]} or {"recipe": ...}
        training varchar,               -- the training measured; of a pair, the first
        other varchar,                  -- of a pair, the second
        request json not null,          -- all that decides the values
        status varchar not null check (status in ('done', 'failed')),
        error varchar,
        started timestamp not null,
        seconds double not null,
        provenance varchar not null
    );

    create table measured_values (
        measurement varchar not null,
        name varchar not null,
        index_name varchar,             -- latent, layer, factor ...; of a table, its name; null for a scalar
        index bigint,                   -- position, counted from 0; of a table, its row
        label varchar,                  -- name of the position, where it has one
        keys json,                      -- of a table, the keys of the row
        value double not null
    );

    create table arrays (
        owner varchar not null,         -- training or measurement
        name varchar not null,
        shape bigint[] not null,
        dtype varchar not null,
        file varchar not null,          -- below arrays/
        sha256 varchar not null         -- of the file
    );

    create table published (
        study varchar not null,
        "table" varchar not null,
        keys json not null,
        name varchar not null,
        value double,
        spread double
    );

    create view results as
    select
        m.study,
        coalesce(t.model, m.subject ->> '$.recipe.model.name') as model,
        coalesce(t.network, m.subject ->> '$.recipe.network.name') as network,
        coalesce(t.dataset, m.subject ->> '$.dataset.name', m.subject ->> '$.recipe.dataset.name') as dataset,
        coalesce(t.seed, m.seed) as seed,
        t.latent_dim,
        try_cast(t.recipe ->> '$.model.params.beta' as double) as beta,
        m.metric,
        v.name,
        v.index_name,
        v.index,
        v.label,
        v.keys,
        v.value,
        m.params,
        t.recipe,
        m.training,
        m.other,
        m.id as measurement
    from measured_values as v
    join measurements as m on m.id = v.measurement
    left join trainings as t on t.id = m.training
    where m.status = 'done';
    """,
    """
    create table studies (
        study varchar not null,
        scale varchar not null,
        title varchar not null,
        definition json not null,       -- as it was last asked for, with the scale carried out
        asked timestamp not null,
        primary key (study, scale)
    );

    create table cells (
        study varchar not null,
        scale varchar not null,
        cell bigint,                    -- point of the grid, counted from 0; null for an analysis of all of them
        settings json not null,         -- of the point, by name; of an analysis, its name
        metric varchar not null,
        training varchar,               -- that the measurement needs
        measurement varchar not null    -- that the study asks for, done or not
    );

    drop view results;
    -- What a study asks for is in cells, since several studies may ask for one measurement.
    insert into cells (study, scale, cell, settings, metric, training, measurement)
    select study, 'earlier', null, '{}', metric, training, id from measurements where study is not null;
    alter table measurements drop column study;

    drop table published;
    create table published (
        study varchar not null,         -- the paper, by the name of its study
        "table" varchar not null,       -- number as printed; text for prose and captions
        keys json not null,             -- what tells figures of a table apart: model, network, dataset, classes ...
        name varchar not null,          -- what was measured or set
        value double,                   -- null where words are printed, which the note then has
        printed varchar,                -- the same with the digits of the paper
        spread double,
        spread_kind varchar,            -- se, sd or ci95; null where none is printed, unknown where it is not said
        n_runs bigint,
        unit varchar,
        note varchar,
        source varchar not null         -- digest of the file it came in
    );

    create view results as
    select
        s.study,
        coalesce(t.model, m.subject ->> '$.recipe.model.name') as model,
        coalesce(t.network, m.subject ->> '$.recipe.network.name') as network,
        coalesce(t.dataset, m.subject ->> '$.dataset.name', m.subject ->> '$.recipe.dataset.name') as dataset,
        coalesce(t.seed, m.seed) as seed,
        t.latent_dim,
        try_cast(coalesce(t.recipe, m.subject -> '$.recipe') ->> '$.model.params.beta' as double) as beta,
        m.metric,
        v.name,
        v.index_name,
        v.index,
        v.label,
        v.keys,
        v.value,
        m.params,
        coalesce(t.recipe, m.subject -> '$.recipe') as recipe,
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

    -- A value for each study, scale and point of a grid that asks for it.
    create view study_results as
    select c.study, c.scale, c.cell, c.settings, r.* exclude (study)
    from cells as c
    join results as r on r.measurement = c.measurement;
    """,
    """
    create table measured_signatures (
        measurement varchar not null,
        name varchar not null,
        layer varchar not null,
        position bigint not null,       -- of the layer in its model, counted from 0
        space varchar not null,         -- signatures of different spaces cannot be compared
        vector float[] not null         -- of norm 1; NaN where nothing can be said of the layer
    );

    create view signatures as
    select
        t.model,
        t.network,
        t.dataset,
        t.seed,
        t.latent_dim,
        m.metric,
        s.name,
        s.layer,
        s.position,
        {'space': s.space, 'vector': s.vector} as signature,
        m.params,
        t.recipe,
        m.training,
        m.id as measurement
    from measured_signatures as s
    join measurements as m on m.id = s.measurement
    left join trainings as t on t.id = m.training
    where m.status = 'done';

    create view study_signatures as
    select c.study, c.scale, c.cell, c.settings, s.*
    from cells as c
    join signatures as s on s.measurement = c.measurement;

    -- Linear centred kernel alignment of two layers, as their signatures estimate it; null if they cannot be compared.
    create macro cka(a, b) as
        case when a.space = b.space then list_inner_product(a.vector, b.vector)::double end;
    """,
    """
    -- Views of the second schema had no recipe at first where a metric has no training.
    create or replace view results as
    select
        s.study,
        coalesce(t.model, m.subject ->> '$.recipe.model.name') as model,
        coalesce(t.network, m.subject ->> '$.recipe.network.name') as network,
        coalesce(t.dataset, m.subject ->> '$.dataset.name', m.subject ->> '$.recipe.dataset.name') as dataset,
        coalesce(t.seed, m.seed) as seed,
        t.latent_dim,
        try_cast(coalesce(t.recipe, m.subject -> '$.recipe') ->> '$.model.params.beta' as double) as beta,
        m.metric,
        v.name,
        v.index_name,
        v.index,
        v.label,
        v.keys,
        v.value,
        m.params,
        coalesce(t.recipe, m.subject -> '$.recipe') as recipe,
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

    -- A value for each study, scale and point of a grid that asks for it.
    create or replace view study_results as
    select c.study, c.scale, c.cell, c.settings, r.* exclude (study)
    from cells as c
    join results as r on r.measurement = c.measurement;
    """,
    """
    -- What views show of a recipe is in columns: some clients, R's among them, have no functions for JSON built in.
    alter table trainings add column beta double;
    alter table measurements add column model varchar;      -- of a recipe or of data; of a training, it has them
    alter table measurements add column network varchar;
    alter table measurements add column dataset varchar;
    alter table measurements add column beta double;
    alter table measurements add column recipe json;
    update trainings set beta = try_cast(recipe ->> '$.model.params.beta' as double);
    update measurements set
        model = subject ->> '$.recipe.model.name',
        network = subject ->> '$.recipe.network.name',
        dataset = coalesce(subject ->> '$.dataset.name', subject ->> '$.recipe.dataset.name'),
        beta = try_cast(subject ->> '$.recipe.model.params.beta' as double),
        recipe = subject -> '$.recipe';

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
        m.metric,
        v.name,
        v.index_name,
        v.index,
        v.label,
        v.keys,
        v.value,
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
    """,
    COMMENTS,
    SUMMARIES,
)
"""Statements of each, from the first."""
