{% extends 'dense_operation.cpp' %}
{% from 'dense_macros.cpp' import vector with context %}
{% from 'convolution_macros.cpp' import map with context %}
{% block maincode %}
    typedef {{c_data_type(scalar)}} _real;
    {{map()}}
    _real* _unfolded = neuro_ep::scratch<_real>(0, (size_t)_map.inputs() * _map.positions());
    {% for sum in sums %}
    {% set target = get_array_name(sum.target) %}
    {
        // {{sum.target.name}}, per replica
        {% for product in sum.products %}
        {{vector(product.factor, "_factor_" ~ loop.index0, 2 * loop.index0 + 2)}}
        {% if not sum.direct %}
        _real* _result_{{loop.index0}} = neuro_ep::scratch<_real>({{2 * loop.index0 + 3}}, _replicas * {{sum.n_to}});
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
        {
            {% if product.matrix is none %}
            _real* _uniform = neuro_ep::scratch<_real>(1, _weights);
            std::fill(_uniform, _uniform + _weights, (_real){{uniform}});
            {% endif %}
            neuro_ep::{{"forward" if sum.to == "post" else "backward"}}(_map, _maps, {{channels}}, (_real) {{"_scale" if sum.direct else "1"}},
                _factor_{{loop.index0}}, {{get_array_name(product.matrix) if product.matrix is not none else "_uniform"}},
                (_real) {{1 if sum.direct and sum.adds else 0}}, {{target if sum.direct else "_result_" ~ loop.index0}}, _unfolded);
        }
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
    }
    {% endfor %}
{% endblock %}
