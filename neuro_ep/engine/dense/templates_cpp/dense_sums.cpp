{% extends 'dense_operation.cpp' %}
{% from 'dense_macros.cpp' import vector, fill, keep with context %}
{% block maincode %}
    typedef {{c_data_type(scalar)}} _real;
    const int _replicas = {{replicas}};
    {% if held is not none %}
    _real _scale;
    {
        const size_t _vectorisation_idx = -1;
        {{scalar_code[held.coefficient]|autoindent}}
        _scale = _coefficient;
    }
    {{keep(held.kept)}}
    {% if held.announced %}
    static const bool _told = neuro_ep::on_change(_held.source, [=]() mutable { _held.forget({{get_array_name(held.matrix)}}); });
    (void) _told;
    {% endif %}
    _held.deliver({{get_array_name(held.source)}}, {{get_array_name(held.matrix)}}, _scale, {{get_array_name(held.target)}});
    {% endif %}
    {% if stacked %}
    // both sums by one product: the same matrix is read once for two factors
    _real _stacked[2];
    {% for sum in sums %}
    {
        const size_t _vectorisation_idx = -1;
        {{scalar_code[sum.block]|autoindent}}
        _stacked[{{loop.index0}}] = _coefficient;
    }
    {% endfor %}
    if (_stacked[0] != 0 && _stacked[1] != 0)
    {
        const int _in = _replicas * {{sums[0].n_from}};
        _real* const _factors = neuro_ep::scratch<_real>(neuro_ep::factor_slot, 2 * _in);
        _real* const _results = neuro_ep::scratch<_real>(neuro_ep::column_slot, 2 * _replicas * {{sums[0].n_to}});
        _real* const _targets[2] = { {{get_array_name(sums[0].target)}}, {{get_array_name(sums[1].target)}} };
        neuro_ep::together(neuro_ep::threads_for(2.0 * _in * {{sums[0].n_to}}), [&](neuro_ep::Team _team) {
            {% for sum in sums %}
            {
                _real* const _part = _factors + {{loop.index0}} * _in;
                {{fill(sum.products[0].factor, "_part", "_team.share(_in)")}}
            }
            {% endfor %}
            _team.wait();
            neuro_ep::multiply_columns<_real>(_team, _replicas, 2 * _replicas, {{sums[0].n_to}}, {{sums[0].n_from}}, 1,
                {neuro_ep::plain, _factors, {{sums[0].n_from}}},
                {neuro_ep::{{"plain" if sums[0].to == "post" else "transposed"}}, {{get_array_name(sums[0].products[0].matrix)}}, {{_n_post}}}, _results,
                [&](int _row, int _first, int _count, const _real* _values) {
                    const int _which = _row / _replicas;
                    _real* const _to = _targets[_which] + (size_t)(_row % _replicas) * {{sums[0].n_to}} + _first;
                    for (int _k = 0; _k < _count; _k++)
                        _to[_k] = _stacked[_which] * _values[_k];
                });
        });
    }
    else
    {% endif %}
    {
    {% for sum in sums %}
    {% set target = get_array_name(sum.target) %}
    {
        // {{sum.target.name}}, per replica: a sum over {{sum.n_from}} neurons
        {% if sum.kind == 'loop' %}
        const size_t _vectorisation_idx = -1;
        {{scalar_code[sum.block]|autoindent}}
        {% if sum.reads_itself %}
        // it reads what it delivers: the results wait until all of them are known
        _real* const _results = neuro_ep::scratch<_real>(0, _replicas * {{sum.n_to}});
        std::fill(_results, _results + _replicas * {{sum.n_to}}, 0);
        {% elif not sum.adds %}
        std::fill({{target}}, {{target}} + _replicas * {{sum.n_to}}, 0);
        {% endif %}
        for (int _replica = 0; _replica < _replicas; _replica++)
            for (int _pre = 0; _pre < {{_n_pre}}; _pre++)
            {
                const int _pre_neuron = _replica * {{_n_pre}} + _pre;
                {% if sum.to == 'pre' %}
                _real _total = 0;
                {% endif %}
                for (int _post = 0; _post < {{_n_post}}; _post++)
                {
                    const int _post_neuron = _replica * {{_n_post}} + _post;
                    const int _idx = _pre * {{_n_post}} + _post;
                    const size_t _replicated = (size_t)_replica * {{_n_pre * _n_post}} + _idx;
                    const size_t _vectorisation_idx = _idx;
                    {{vector_code[sum.block]|autoindent}}
                    {% if sum.to == 'pre' %}
                    _total += _value;
                    {% else %}
                    {{"_results" if sum.reads_itself else target}}[_post_neuron] += _value;
                    {% endif %}
                }
                {% if sum.to == 'pre' and sum.reads_itself %}
                _results[_pre_neuron] = _total;
                {% elif sum.to == 'pre' %}
                {{target}}[_pre_neuron] {{'+=' if sum.adds else '='}} _total;
                {% endif %}
            }
        {% if sum.reads_itself %}
        for (int _k = 0; _k < _replicas * {{sum.n_to}}; _k++)
            {{target}}[_k] {{'+=' if sum.adds else '='}} _results[_k];
        {% endif %}
        {% else %}
        {% for product in sum.products %}
        {% set factor = "_factor_" ~ loop.index0 %}
        {{vector(product.factor, factor, 2 * loop.index0)}}
        {% if not sum.direct %}
        _real* _result_{{loop.index0}} = neuro_ep::scratch<_real>({{2 * loop.index0 + 1}}, _replicas * {{sum.n_to}});
        {% endif %}
        {% endfor %}
        {% if sum.direct %}
        _real _scale;
        {
            const size_t _vectorisation_idx = -1;
            {{scalar_code[sum.block]|autoindent}}
            _scale = _coefficient;
        }
        {% endif %}
        {% for product in sum.products %}
        {% set out = target if sum.direct else "_result_" ~ loop.index0 %}
        {% if product.matrix is none %}
        neuro_ep::spread_row_sums<_real>(_factor_{{loop.index0}}, _replicas, {{sum.n_from}}, {{out}}, {{sum.n_to}});
        {% else %}
        {% if sum.direct and not sum.adds %}
        if (_scale == 0)
            std::fill({{out}}, {{out}} + _replicas * {{sum.n_to}}, (_real) 0);
        else
        {% elif sum.direct %}
        if (_scale != 0)
        {% endif %}
        neuro_ep::product(neuro_ep::plain, neuro_ep::{{"plain" if sum.to == "post" else "transposed"}},
            _replicas, {{sum.n_to}}, {{sum.n_from}}, (_real) {{"_scale" if sum.direct else "1"}},
            _factor_{{loop.index0}}, {{sum.n_from}}, {{get_array_name(product.matrix)}}, {{_n_post}}, (_real) {{1 if sum.direct and sum.adds else 0}}, {{out}});
        {% endif %}
        {% endfor %}
        {% if not sum.direct %}
        const size_t _vectorisation_idx = -1;
        {{scalar_code[sum.block]|autoindent}}
        for (int {{sum.index}} = 0; {{sum.index}} < _replicas * {{sum.n_to}}; {{sum.index}}++)
        {
            const size_t _vectorisation_idx = {{sum.index}};
            {% for product in sum.products %}
            const _real _product_{{loop.index0}} = _result_{{loop.index0}}[{{sum.index}}];
            {% endfor %}
            {{vector_code[sum.block]|autoindent}}
            {{target}}[{{sum.index}}] {{'+=' if sum.adds else '='}} _value;
        }
        {% endif %}
        {% endif %}
    }
    {% endfor %}
    }
{% endblock %}
{% block after_code %}
    {% if held is not none %}
    {{keep(held.kept)}}
    _held.forget({{get_array_name(held.matrix)}});
    {% else %}
    // EMPTY_CODE_BLOCK
    {% endif %}
{% endblock %}
